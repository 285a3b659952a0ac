/**
 * What every answer says to browsers. A page or a file that may do more sets its own with
 * the headers of its answer, as in `c.html(PAGE, 200, { 'Content-Security-Policy': … })`.
 *
 * No Strict-Transport-Security: TLS ends before this server, which cannot know whether there is any.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

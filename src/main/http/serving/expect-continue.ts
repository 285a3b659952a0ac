import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets a caller who asks before sending a body (`Expect: 100-continue`) go on when somebody begins to read it, and not
 * before: who is refused, for a missing token or a body that is too large, sends nothing.
 */
export function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  // Whether a body follows an answer that did not ask for it, nobody can know.
  response.setHeader('Connection', 'close');
  request.once('resume', () => {
    if (response.headersSent) return;
    response.removeHeader('Connection');
    response.writeContinue();
  });
}

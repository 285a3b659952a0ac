/** The embedded database cannot be had. The message is for the person who started Heddle: what is wrong, and the ways out. */
export class EmbeddedDatabaseError extends Error {
  override name = 'EmbeddedDatabaseError';
}

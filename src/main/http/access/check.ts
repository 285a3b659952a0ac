import type { Context } from 'hono';

/** Looks at a request before any route does. @throws Problem when it may not go on */
export type Check = (c: Context) => void;

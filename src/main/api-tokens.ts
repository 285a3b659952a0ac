import type { z } from 'zod';

/** Lets whoever sends it do what its role may. */
export interface ApiToken {
  /** What is kept with what its holder does. */
  name: string;
  role: 'viewer' | 'operator' | 'admin';
  token: string;
}

/**
 * Reads `name:role:token,…`, for a zod `transform`. The values are secrets, so that a fault names only the entry's
 * place: whoever has put things in a wrong order may have the token where its name should be.
 */
export function parseTokens(value: string, context: z.RefinementCtx): ApiToken[] {
  const tokens: ApiToken[] = [];
  for (const [index, entry] of value.split(',').entries()) {
    const token = parseToken(entry.trim());
    const fault = typeof token === 'string' ? token : repetition(token, tokens);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: `entry ${index + 1} ${fault}` });
    if (typeof token !== 'string') tokens.push(token);
  }
  return tokens;
}

/** Whether it is so short that it could be guessed, or was chosen by a person. */
export function isWeak({ token }: ApiToken): boolean {
  return token.length < 16;
}

/** @returns a text when something is wrong */
function parseToken(entry: string): ApiToken | string {
  const [name, role, ...rest] = entry.split(':');
  const token = rest.join(':');
  if (!name || !token || (role !== 'viewer' && role !== 'operator' && role !== 'admin')) {
    return 'must be name:role:token with the role viewer, operator or admin';
  }
  if (!/^[!-~]+$/.test(token)) return 'has a token with characters that no header can hold';
  return { name, role, token };
}

function repetition(token: ApiToken, earlier: readonly ApiToken[]): string | undefined {
  if (earlier.some(({ name }) => name === token.name)) return 'has the name of an earlier one';
  if (earlier.some((other) => other.token === token.token)) return 'has the token of an earlier one';
  return undefined;
}

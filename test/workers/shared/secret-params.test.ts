import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { hideSecrets, marksSecrets, secretsOf } from '../../../src/workers/shared/secret-params.ts';

const secret = z.string().meta({ secret: true });
const node = z.object({
  key: secret,
  get next() {
    return node.optional();
  },
});

const cases: {
  what: string;
  payload: z.ZodObject;
  params: Record<string, unknown>;
  shown: unknown;
  found: string[];
}[] = [
  {
    what: 'a field, also one that need not be there',
    payload: z.object({ a: secret.optional(), b: secret.default('x'), c: secret.nullable(), d: z.string() }),
    params: { a: 'one', c: 'two', d: 'open', unknown: 'kept' },
    shown: { a: '[secret]', c: '[secret]', d: 'open', unknown: 'kept' },
    found: ['one', 'two'],
  },
  {
    what: 'in lists, tuples, records and what refers to itself',
    payload: z.object({
      list: z.array(z.object({ k: secret })),
      pair: z.tuple([z.string(), secret]),
      record: z.record(z.string(), secret),
      node,
    }),
    params: {
      list: [{ k: 'l1' }, { k: 'l2' }],
      pair: ['open', 'p'],
      record: { x: 'r' },
      node: { key: 'n1', next: { key: 'n2' } },
    },
    shown: {
      list: [{ k: '[secret]' }, { k: '[secret]' }],
      pair: ['open', '[secret]'],
      record: { x: '[secret]' },
      node: { key: '[secret]', next: { key: '[secret]' } },
    },
    found: ['l1', 'l2', 'p', 'r', 'n1', 'n2'],
  },
  {
    what: 'what is secret in one of several alternatives',
    payload: z.object({
      who: z.union([
        z.object({ by: z.literal('token'), value: secret }),
        z.object({ by: z.string(), value: z.string() }),
      ]),
    }),
    params: { who: { by: 'name', value: 'v' } },
    shown: { who: { by: 'name', value: '[secret]' } },
    found: ['v'],
  },
  {
    what: 'whole objects',
    payload: z.object({
      account: z.object({ user: z.string(), pin: z.number(), ok: z.boolean() }).meta({ secret: true }),
    }),
    params: { account: { user: 'me', pin: 1234, ok: true } },
    shown: { account: '[secret]' },
    found: ['me', '1234'],
  },
  {
    what: 'all params, of which the names are still shown',
    payload: z.object({ a: z.string() }).meta({ secret: true }),
    params: { a: 'x' },
    shown: { a: '[secret]' },
    found: ['x'],
  },
];

describe('secret params are', () => {
  for (const { what, payload, params, shown, found } of cases) {
    it(what, () => {
      const schema = z.toJSONSchema(payload, { io: 'input' });
      assert.ok(marksSecrets(schema));
      assert.deepEqual(hideSecrets(params, schema), shown);
      assert.deepEqual(secretsOf(params, schema), found);
    });
  }
});

it('nothing is hidden that is not marked, and bad params hide nothing that is', () => {
  const open = z.toJSONSchema(z.object({ secret: z.string() }));
  assert.equal(marksSecrets(open), false);
  const schema = z.toJSONSchema(z.object({ a: z.array(secret), b: node }));
  assert.deepEqual(hideSecrets({ a: 'x', b: [1] }, schema), { a: 'x', b: [1] });
});

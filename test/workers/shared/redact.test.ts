import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { redact, redactError, redactLine, secretTexts } from '../../../src/workers/shared/redact.ts';

describe('a text is written down without', () => {
  it('the values of fields that hold credentials', () => {
    const fields = {
      headers: { Authorization: 'Basic dTpw', 'x-api-key': 'k', cookie: 'a=b; c="d"' },
      password: 'quotes " and \\ too',
      access_token: 't',
      claim_token: '7',
      tokens: 512,
      author: 'me',
    };
    assert.deepEqual(JSON.parse(redact(JSON.stringify(fields))), {
      headers: { Authorization: '[secret]', 'x-api-key': '[secret]', cookie: '[secret]' },
      password: '[secret]',
      access_token: '[secret]',
      claim_token: '7',
      tokens: 512,
      author: 'me',
    });
  });

  it('bearer tokens and the passwords of addresses', () => {
    assert.equal(redact('got Authorization: Bearer abc.def-123=='), 'got Authorization: Bearer [secret]');
    assert.equal(
      redact('cannot reach postgresql://me:p%40ss@db:5432/x, nor redis://:geheim@cache'),
      'cannot reach postgresql://me:[secret]@db:5432/x, nor redis://:[secret]@cache',
    );
    const harmless = 'see https://example.org/a:b@c, or ask the bearer of it: me@example.org';
    assert.equal(redact(harmless), harmless);
  });

  it('secret values, wherever they are, also as numbers', () => {
    const secrets = secretTexts(['hush "now"\n', '123456', 'abc']);
    const line = JSON.stringify({
      n: 123456,
      deep: [{ text: 'so: hush "now"\n!' }],
      msg: 'pin 123456',
      a: 'abc',
    });
    assert.deepEqual(JSON.parse(redactLine(`${line}\n`, secrets)), {
      n: '[secret]',
      deep: [{ text: 'so: [secret]!' }],
      msg: 'pin [secret]',
      a: 'abc',
    });
    assert.equal(redactLine('not JSON: 123456', secrets), 'not JSON: [secret]');
  });

  it('any of it in errors, down to their causes', () => {
    const error = {
      name: 'E',
      message: 'a 1234',
      stack: 'E: a 1234\n  at x',
      cause: { name: 'C', message: 'b 1234' },
    };
    assert.deepEqual(redactError(error, secretTexts(['1234'])), {
      name: 'E',
      message: 'a [secret]',
      stack: 'E: a [secret]\n  at x',
      cause: { name: 'C', message: 'b [secret]' },
    });
  });
});

it('a line that was JSON is JSON afterwards', () => {
  fc.assert(
    fc.property(fc.json(), fc.array(fc.string({ minLength: 4 })), (line, values) => {
      JSON.parse(redactLine(line, secretTexts(values)));
    }),
    { numRuns: 500 },
  );
});

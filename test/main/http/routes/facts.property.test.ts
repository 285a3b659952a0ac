import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { anyJson } from '../../../support/arbitrary-of-schema.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
beforeEach(() => api.database.query('truncate facts'));
after(async () => {
  const unexpected = api?.events.of('request_failed');
  await api?.stop();
  assert.deepEqual(unexpected, []);
});

interface Fact {
  id: string;
  text: string;
  tags: string[];
  meta_data: Record<string, unknown>;
}

async function keep(fact: Omit<Fact, 'id'>): Promise<Fact> {
  const { status, json } = await api.call('POST', '/api/v1/facts', fact);
  assert.equal(status, 201);
  return json;
}

async function idsFound(...parameters: [name: string, value: string][]): Promise<string[]> {
  const { status, json } = await api.call('GET', `/api/v1/facts?${new URLSearchParams(parameters)}`);
  assert.equal(status, 200);
  return json.items.map(({ id }: Fact) => id);
}

/** Any text that can be kept: of a few letters and signs, of whole characters of all scripts, of any code points. */
const text = fc
  .oneof(
    fc.string({
      unit: fc.constantFrom(...'abcABCßäøЖжσςΣИ中文字 -"\'%_\\:!.,/@\n'),
      minLength: 1,
      maxLength: 40,
    }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  )
  .filter((value) => !value.includes('\0'));

const metadata = fc.dictionary(text, fc.oneof(text, fc.array(text), anyJson()), {
  maxKeys: 3,
  noNullPrototype: true,
});

describe('a fact that was accepted', () => {
  it('comes back as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.uniqueArray(text, { maxLength: 4 }),
        metadata,
        async (text, tags, meta_data) => {
          const { id } = await keep({ text, tags, meta_data });
          const { json } = await api.call('GET', `/api/v1/facts/${id}`);
          const kept = { text: json.text, tags: json.tags, meta_data: json.meta_data };
          assert.deepEqual(kept, JSON.parse(JSON.stringify({ text, tags, meta_data }))); // JSON has no -0.
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is found by any three or more characters in a row of its text, and of the strings in its metadata', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(text, metadata, fc.nat(), fc.nat(), async (text, meta_data, from, length) => {
        const tag = `run ${runs++}`;
        const { id } = await keep({ text, tags: [tag], meta_data });
        for (const value of [text, ...stringsIn(meta_data)]) {
          const part = partOf(value, from, length);
          if (part !== undefined) assert.deepEqual(await idsFound(['q', part], ['tag', tag]), [id], part);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is found by each of its words', async () => {
    const word = fc.stringMatching(/^[a-z]{3,9}$/).filter((word) => !STOP_WORDS.has(word));
    const sentence = fc.array(word, { minLength: 1, maxLength: 8 });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(sentence, fc.constantFrom(' ', ', ', '\n', ' - ', ' / '), async (words, between) => {
        const tag = `run ${runs++}`;
        const { id } = await keep({ text: words.join(between), tags: [tag], meta_data: {} });
        for (const word of words) assert.deepEqual(await idsFound(['q', word], ['tag', tag]), [id]);
        const backwards = words.toReversed().join(' ');
        assert.deepEqual(await idsFound(['q', backwards], ['tag', tag]), [id]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a search', () => {
  it('for anything at all is answered', async () => {
    await keep({ text: 'a b c', tags: [], meta_data: {} });
    const signs = fc.string({
      unit: fc.constantFrom(
        '-',
        '"',
        '!',
        '(',
        ')',
        ':',
        '*',
        '&',
        '|',
        '<',
        '>',
        'a',
        'or',
        '\\',
        "'",
        ' ',
        '\u{1F9F5}',
      ),
      maxLength: 300,
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(signs, text), async (q) => void (await idsFound(['q', q]))),
      { numRuns: 200 },
    );
    for (const q of ['-', '- ', '"', '-"', '-!', 'or ', '-a '].map((piece) => piece.repeat(2000)))
      await idsFound(['q', q]);
  });

  it('by tags finds exactly the facts that have all of them', async () => {
    const tags = fc.uniqueArray(fc.constantFrom('a', 'A', 'b', 'a,b', '{a}', '"a"', 'null'), {
      maxLength: 4,
    });
    const facts: Fact[] = [];
    await fc.assert(
      fc.asyncProperty(tags, tags, async (own, wanted) => {
        facts.unshift(await keep({ text: 'x', tags: own, meta_data: {} }));
        const expected = facts.filter((fact) => wanted.every((tag) => fact.tags.includes(tag)));
        const found = await idsFound(
          ['limit', '1000'],
          ...wanted.map((tag): [string, string] => ['tag', tag]),
        );
        assert.deepEqual(
          found,
          expected.map(({ id }) => id),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('has pages that cover the list without a gap and without a repetition', async () => {
    const texts = ['log', 'log and log', 'catalogue', 'logs, logs', 'analogy', 'nothing'];
    for (let n = 0; n < 60; n++) {
      await keep({
        text: texts[n % texts.length] as string,
        tags: n % 3 === 0 ? ['third'] : [],
        meta_data: {},
      });
    }
    const searches: [string, string][][] = [
      [],
      [['q', 'log']],
      [['tag', 'third']],
      [
        ['q', 'log'],
        ['tag', 'third'],
      ],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...searches),
        fc.integer({ min: 1, max: 25 }),
        async (search, limit) => {
          const whole = await idsFound(...search);
          const pieces: string[] = [];
          for (let offset = 0; offset < whole.length; offset += limit) {
            pieces.push(...(await idsFound(...search, ['limit', `${limit}`], ['offset', `${offset}`])));
          }
          assert.deepEqual(pieces, whole);
          assert.equal(new Set(whole).size, whole.length);
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** Three or more characters in a row, or nothing when there are not as many, or only blanks: those are no search. */
function partOf(value: string, from: number, length: number): string | undefined {
  const all = [...value];
  if (all.length < 3) return undefined;
  const start = from % (all.length - 2);
  const part = all.slice(start, start + 3 + (length % (all.length - start - 2))).join('');
  return part.trim() === '' ? undefined : part;
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsIn(inner)]);
}

/** Of three letters and more; together with others they would be left out of what is searched for. */
const STOP_WORDS = new Set(
  `about above after again against all and any are because been before being below between both but can did does doing
  don down during each few for from further had has have having her here hers herself him himself his how into its
  itself just more most myself nor not now off once only other our ours ourselves out over own same she should some such
  than that the their theirs them themselves then there these they this those through too under until very was were what
  when where which while who whom why will with you your yours yourself yourselves`.split(/\s+/),
);

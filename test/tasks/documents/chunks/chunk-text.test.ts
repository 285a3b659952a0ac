import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ChunkSize, chunkText } from '../../../../src/tasks/documents/chunks/chunk-text.ts';

/** Pieces that texts are made of, each hard in its own way. */
const piece = fc.oneof(
  fc.constantFrom(
    'The end. ',
    'Really?! ',
    '«Oui.» ',
    'e.g. 3.5 ',
    'Dr. Smith said so.\n',
    'a',
    ' ',
    '\n',
    '\n\n',
    '\t',
  ),
  fc.constantFrom(
    '系统部署失败了。',
    '我们',
    '「そうです。」',
    'データベースに接続できません',
    '연결 실패. ',
    'สวัสดีชาวโลก',
    '　',
  ),
  fc.constantFrom(
    '👨‍👩‍👧‍👦',
    '🇩🇪',
    '👍🏽',
    'e\u0301',
    'क्षि',
    '\u200d',
    '\ufeff',
    '𝒳',
    '\u2028',
    '\r\n',
    '\f',
  ),
  fc.integer({ min: 1, max: 60 }).map((times) => 'x'.repeat(times)),
  fc.integer({ min: 1, max: 60 }).map((times) => ' '.repeat(times)),
  fc.integer({ min: 1, max: 40 }).map((times) => `o${'\u0308'.repeat(times)}`),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('\ud83d', '\ude00'),
);
const text = fc.array(piece, { maxLength: 80 }).map((pieces) => pieces.join(''));
const size: fc.Arbitrary<ChunkSize> = fc.integer({ min: 2, max: 90 }).chain((characters) =>
  fc.record({
    characters: fc.constant(characters),
    overlap: fc.integer({ min: 0, max: Math.ceil(characters / 2) - 1 }),
  }),
);

/** For any text and any size. */
function always(holds: (text: string, size: ChunkSize) => void): void {
  fc.assert(fc.property(text, size, holds), { numRuns: 2000 });
}

const PAGE = { characters: 1200, overlap: 150 };

describe('the chunks of any text', () => {
  it('have every character that is not blank', () => {
    always((text, size) => {
      const inside = new Uint8Array(text.length);
      for (const { start, end } of chunkText(text, size)) inside.fill(1, start, end);
      for (let at = 0; at < text.length; at += 1)
        assert.ok(inside[at] === 1 || /\s/.test(text.charAt(at)), `the character at ${at} is in no chunk`);
    });
  });

  it('are never larger than the limit, nor empty, and neither begin nor end with a blank', () => {
    always((text, size) => {
      for (const { start, end } of chunkText(text, size)) {
        assert.ok(end > start && end - start <= size.characters, `${start} to ${end}`);
        assert.doesNotMatch(text.slice(start, end), /^\s|\s$/);
      }
    });
  });

  it('go on: each begins and ends after the one before, and shares with it no more than the overlap', () => {
    always((text, size) => {
      let before = { start: -1, end: 0, page: 0 };
      for (const chunk of chunkText(text, size)) {
        assert.ok(chunk.start > before.start && chunk.end > before.end);
        assert.ok(before.end - chunk.start <= size.overlap, `${before.end - chunk.start} are shared`);
        before = chunk;
      }
    });
  });

  it('stay within their page', () => {
    always((text, size) => {
      for (const { start, end, page } of chunkText(text, size)) {
        assert.equal(page, text.slice(0, start).split('\f').length);
        assert.ok(!text.slice(start, end).includes('\f'));
      }
    });
  });

  it('have no half of a surrogate pair that the text has whole', () => {
    always((text, size) => {
      const wellFormed = text.toWellFormed();
      for (const { start, end } of chunkText(wellFormed, size))
        assert.ok(wellFormed.slice(start, end).isWellFormed());
    });
  });

  it('end with a whole grapheme, unless that is longer than half a chunk', () => {
    always((text, size) => {
      const graphemes = [...new Intl.Segmenter('en').segment(text)];
      const starts = new Set(graphemes.map(({ index }) => index)).add(text.length);
      const longest = Math.max(0, ...graphemes.map(({ segment }) => segment.length));
      fc.pre(longest < size.characters / 2);
      for (const { end } of chunkText(text, size))
        assert.ok(starts.has(end) || /\s/.test(text.charAt(end)), `cut at ${end}`);
    });
  });

  it('are the same each time', () => {
    always((text, size) => {
      assert.deepEqual([...chunkText(text, size)], [...chunkText(text, size)]);
    });
  });
});

describe('where a chunk ends', () => {
  it('is the end of a sentence, in every script', () => {
    const sentences = [
      'The system works as intended. ',
      '系统部署失败了，我们需要重新开始工作。',
      'データベースに接続できません。',
      'Ça va très bien aujourd’hui ! ',
      'यह एक वाक्य है। ',
    ];
    for (const sentence of sentences) {
      const long = sentence.repeat(300).trimEnd();
      const chunks = texts(long, PAGE);
      assert.ok(chunks.length > 3, sentence);
      for (const chunk of chunks) assert.match(chunk, /[.。!।]$/);
      for (const chunk of chunks.slice(1)) assert.ok(chunk.startsWith(sentence.trim()), chunk.slice(0, 60));
    }
  });

  it('is not the end of a line in the middle of a sentence', () => {
    const paragraph = 'A sentence that goes on in\nthe next line, because the paper\nends. '.repeat(60);
    for (const chunk of texts(paragraph, PAGE)) assert.match(chunk, /ends\.$/);
  });

  it('is the end of a paragraph, when that is near', () => {
    const first = `${'One sentence after the other. '.repeat(33).trim()}\n\n`;
    const [chunk] = texts(first + 'And another paragraph. '.repeat(30), PAGE);
    assert.equal(chunk, first.trim());
  });

  it('is the end of a line of a list, or of a word where nothing else ends', () => {
    for (const line of texts('an entry of a list\n'.repeat(200), PAGE)) assert.match(line, /list$/);
    for (const word of texts('word '.repeat(1000), PAGE)) assert.match(word, /^word.*word$/s);
    const chinese = texts('我们需要重新开始工作'.repeat(300), PAGE);
    for (const chunk of chinese.slice(0, -1)) assert.match(chunk, /(我们|需要|重新|开始|工作)$/);
  });

  it('is at the limit in a word without an end', () => {
    const chunks = [...chunkText('x'.repeat(50_000), PAGE)];
    assert.deepEqual(chunks[0], { start: 0, end: 1200, page: 1 });
    assert.deepEqual(chunks[1], { start: 1050, end: 2250, page: 1 });
  });
});

it('blank text and blank pages have no chunks', () => {
  assert.deepEqual([...chunkText('', PAGE)], []);
  assert.deepEqual([...chunkText(' \n\f\n \f', PAGE)], []);
  assert.deepEqual(
    [...chunkText('\fa\f\fb', PAGE)],
    [
      { start: 1, end: 2, page: 2 },
      { start: 4, end: 5, page: 4 },
    ],
  );
});

it('a size that makes no sense is refused', () => {
  for (const [characters, overlap] of [
    [1, 0],
    [2, 1],
    [100, 50],
    [100, -1],
    [Number.NaN, 0],
  ] as const)
    assert.throws(() => [...chunkText('text', { characters, overlap })], RangeError);
});

it('takes time in proportion to the text, whatever is in it', () => {
  const monsters = {
    'one word': 'x'.repeat(100),
    'only line ends': '\n'.repeat(100),
    'one grapheme': `o${'\u0308'.repeat(99)}`,
    'no punctuation': '我们需要重新开始工作'.repeat(10),
    'islands in blanks': `x${' '.repeat(99)}`,
    'only pages': 'x\f'.repeat(50),
    flags: '🇩🇪'.repeat(25),
  };
  for (const [what, part] of Object.entries(monsters)) {
    const once = cpuMs(() => count(part.repeat(5_000)));
    const fourfold = cpuMs(() => count(part.repeat(20_000)));
    // A quadratic one would take sixteen times as long.
    assert.ok(fourfold < 8 * once + 100, `${what}: ${once} ms, then ${fourfold} ms`);
  }
});

function texts(text: string, size: ChunkSize): string[] {
  return [...chunkText(text, size)].map(({ start, end }) => text.slice(start, end));
}

function count(text: string): number {
  let chunks = 0;
  for (const _ of chunkText(text, PAGE)) chunks += 1;
  return chunks;
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

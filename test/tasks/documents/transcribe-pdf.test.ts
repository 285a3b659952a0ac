import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { transcribePdf } from '../../../src/tasks/documents/transcribe-pdf.ts';
import { PermanentError } from '../../../src/workers/define-task.ts';
import { PDF_READERS, withReader } from '../../support/pdf-readers.ts';
import { sample } from '../../support/samples.ts';

const faq = await sample('debian-faq.en.pdf');
const limits = { signal: new AbortController().signal, timeoutSeconds: 60 };

for (const { name, skip } of PDF_READERS) {
  describe(name, { skip }, () => {
    test('reads all pages of a long document', async () => {
      const reading = await read(faq);
      assert.equal(reading.transcribedBy, name);
      assert.equal(reading.pages.length, 73);
      const words = reading.pages.join(' ').match(/\S+/g)?.length ?? 0;
      assert.ok(words > 29_000 && words < 30_000, `${words} words`);
    });

    test('reads one column after the other', async () => {
      const text = (await read(await sample('two-columns-turkish.pdf'))).pages.join('\n');
      assert.match(text, /TÜBİTAK/);
      const headings = ['Introduction', 'Materials and Methods', 'Results', 'Discussion', 'References'];
      const places = headings.map((heading) => text.search(new RegExp(`^${heading}$`, 'm')));
      assert.ok(!places.includes(-1), String(places));
      assert.deepEqual(
        places,
        places.toSorted((a, b) => a - b),
      );
    });

    test('reads what only an owner password protects', async () => {
      assert.equal((await read(await sample('owner-password.pdf'))).pages.length, 5);
    });

    const unreadable: [string, () => Promise<Buffer>, RegExp][] = [
      [
        'an encrypted file',
        () => sample('user-password.pdf'),
        /is encrypted: a password is needed to open it/,
      ],
      ['a corrupt file', () => sample('corrupt.pdf'), /is damaged and cannot be read \(\w+: .+\)/],
      ['a truncated file', async () => faq.subarray(0, 200_000), /is damaged/],
      ['a file that only begins like a PDF', async () => Buffer.from('%PDF-1.7\nand so on'), /is damaged/],
      ['a file of another type', async () => Buffer.from('PK\u0003\u0004 a zip'), /is not a PDF/],
      ['an empty file', async () => Buffer.alloc(0), /is empty/],
    ];
    for (const [what, file, message] of unreadable) {
      test(`says why it cannot read ${what}, for good`, async () => {
        await assert.rejects(read(await file()), permanently(message));
      });
    }

    test('takes the time it is given and no more, and a retry may help', async () => {
      await assert.rejects(read(faq, { timeoutSeconds: 0.001 }), (error: Error) => {
        assert.ok(!(error instanceof PermanentError));
        assert.equal(error.message, `${name} did not finish within 0.001 s`);
        return true;
      });
    });

    test('stops at more text than is allowed', async () => {
      await assert.rejects(read(faq, { maxTextBytes: 10_000 }), permanently(/holds more than .* of text/));
    });

    test('stops when the signal is aborted, with its reason', async () => {
      const controller = new AbortController();
      async function* pieces() {
        yield faq.subarray(0, 100_000);
        controller.abort(new Error('no longer wanted'));
        yield faq.subarray(100_000);
      }
      const reading = withReader(name, () =>
        transcribePdf(faq.length, pieces, { ...limits, signal: controller.signal }),
      );
      await assert.rejects(reading, { message: 'no longer wanted' });
    });

    test('a file that cannot be fetched whole is not called damaged', async () => {
      async function* pieces() {
        yield faq.subarray(0, 100_000);
        throw Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' });
      }
      const reading = withReader(name, () => transcribePdf(faq.length, pieces, limits));
      await assert.rejects(reading, { message: 'the connection is gone' });
    });

    function read(file: Buffer, more: { timeoutSeconds?: number; maxTextBytes?: number } = {}) {
      return withReader(name, () => transcribePdf(file.length, () => inPieces(file), { ...limits, ...more }));
    }
  });
}

async function* inPieces(file: Buffer) {
  for (let start = 0; start < file.length; start += 65_536) yield file.subarray(start, start + 65_536);
}

function permanently(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.match(error.message, message);
    return true;
  };
}

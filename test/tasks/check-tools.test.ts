import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import check from '../../src/tasks/check-tools.ts';
import type { PeriodicContext } from '../../src/workers/define-task.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('a machine without the programs that read documents is warned of, each with what it means', async (t) => {
  const path = process.env.PATH;
  process.env.PATH = await temporaryDirectory();
  t.after(() => {
    process.env.PATH = path;
  });
  const lines: string[] = [];
  const log = pino({ base: {} }, { write: (line) => void lines.push(JSON.parse(line).msg) });
  const result = await check.run({ log } as unknown as PeriodicContext);
  assert.deepEqual(lines, [
    'pdftotext: not there; PDFs are read by unpdf, which is slower (Debian: poppler-utils and poppler-data)',
    'soffice: not there; ODT, DOC and RTF cannot be read (Debian: libreoffice-writer-nogui)',
  ]);
  assert.deepEqual(result, { tools: lines });
});

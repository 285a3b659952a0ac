import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const key = fc.string({ minLength: 1, maxLength: 3 });
const submission = fc.record(
  {
    type: fc.constantFrom('anything', 'once'),
    params: fc.dictionary(text, fc.jsonValue({ maxDepth: 3 })),
    description: fc.option(text),
    domain: fc.option(text),
    drift_score: fc.double({ noNaN: true, noDefaultInfinity: true }),
    run_immediately: fc.boolean(),
    priority: fc.integer({ min: -100, max: 100 }),
    run_at: fc
      .date({ min: new Date(0), max: new Date('2300'), noInvalidDate: true })
      .map((d) => d.toISOString()),
    max_retries: fc.integer({ min: 0, max: 1_000_000 }),
    unique_key: fc.option(key),
  },
  { requiredKeys: ['type'] },
);

it('what a submission is answered is what reading the task gives: new, delayed, deduplicated', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(submission, { minLength: 1, maxLength: 8 }), async (tasks) => {
      for (const body of tasks) await assertEqualToRead(await api.call('POST', '/api/v1/tasks', body));
      const batch = await api.call('POST', '/api/v1/tasks/batch', { tasks });
      for (const item of batch.json.items) await assertEqualToRead({ json: item });
    }),
    { numRuns: 40 },
  );
});

async function assertEqualToRead({ json }: { json: { id: string; deduplicated?: boolean } }): Promise<void> {
  const { deduplicated, ...task } = json;
  assert.ok(deduplicated === undefined || deduplicated);
  assert.deepEqual((await api.call('GET', `/api/v1/tasks/${json.id}`)).json, task);
}

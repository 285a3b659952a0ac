import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import type * as client from '../../src/client/index.ts';
import { createClient, type PayloadOf, type ResultOf, type Stored } from '../../src/client/index.ts';
import type * as bulk from '../../src/main/http/schemas/bulk.ts';
import type * as facts from '../../src/main/http/schemas/facts.ts';
import type * as health from '../../src/main/http/schemas/health.ts';
import type * as periodic from '../../src/main/http/schemas/periodic-tasks.ts';
import type * as runners from '../../src/main/http/schemas/runners.ts';
import type * as taskTypes from '../../src/main/http/schemas/task-types.ts';
import type * as tasks from '../../src/main/http/schemas/tasks.ts';
import type exampleDatabaseTask from '../../src/tasks/example-database-task.ts';
import type examplePeriodicTask from '../../src/tasks/example-periodic-task.ts';
import type transcribeDocument from '../../src/tasks/transcribe-document.ts';
import { defineDatabaseTask } from '../../src/workers/define-task.ts';
import { json, startScriptedServer } from '../support/scripted-server.ts';

/* Most of this is said by the compiler: what is not so does not build. */

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not build unless the two types are the same. */
function same<A, B>(_proof: Equal<Plain<A>, Plain<B>>): void {}

/** Written out, so that two ways to write the same type are the same. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { [Key in keyof T]: Plain<T[Key]> }
    : T;

const report = defineDatabaseTask({
  payload: z.object({ day: z.string(), pages: z.coerce.number<number>().default(10) }),
  result: z.object({ url: z.string(), made: z.date(), note: z.string().optional() }),
  run: (): { url: string; made: Date; note?: string } => ({ url: 'https://example.com', made: new Date() }),
});
type Report = typeof report;

describe("the client's types", () => {
  it('are those of the answers that the API promises', () => {
    same<client.Task, z.output<typeof tasks.task>>(true);
    same<client.SubmittedTask, Defined<z.output<typeof tasks.submittedTask>>>(true);
    same<client.TaskPage, Defined<z.output<typeof tasks.taskPage>>>(true);
    same<client.BulkChange, z.output<typeof bulk.bulkCounts>>(true);
    same<client.TaskStatus, z.output<typeof tasks.taskStatus>>(true);
    same<client.StateChange, ItemOf<typeof tasks.stateChanges>>(true);
    same<client.LogLine, ItemOf<typeof tasks.logLines>>(true);
    same<client.TaskType, ItemOf<typeof taskTypes.taskTypes>>(true);
    same<client.PeriodicTask, ItemOf<typeof periodic.periodicTasks>>(true);
    same<client.Runner, ItemOf<typeof runners.runners>>(true);
    same<client.Fact, z.output<typeof facts.fact>>(true);
    same<client.FactPage, Defined<z.output<typeof facts.factPage>>>(true);
    same<client.Health, z.output<typeof health.health>>(true);
    // Its error holds itself: written out it would have no end.
    same<Omit<client.Attempt, 'error'>, Omit<ItemOf<typeof tasks.attempts>, 'error'>>(true);
    const attempt = (one: ItemOf<typeof tasks.attempts>): client.Attempt => one;
    const back = (one: client.Attempt): ItemOf<typeof tasks.attempts> => one;
    assert.ok(attempt !== (back as unknown));
  });

  it("are those of a task file's payload, as it goes in, and of its result, as it is kept", () => {
    same<PayloadOf<Report>, { day: string; pages?: number | undefined }>(true);
    same<ResultOf<Report>, { url: string; made: string; note?: string | undefined }>(true);
    same<PayloadOf<typeof exampleDatabaseTask>, { message: string; count: number }>(true);
    same<ResultOf<typeof exampleDatabaseTask>, { message: string; count: number }>(true);
    same<PayloadOf<typeof transcribeDocument>, { document_id: string }>(true);
    same<ResultOf<typeof transcribeDocument>, null>(true);
  });

  it('know what JSON makes of values', () => {
    same<Stored<Date>, string>(true);
    same<Stored<undefined>, null>(true);
    same<Stored<unknown>, unknown>(true);
    same<Stored<'a' | 1 | null>, 'a' | 1 | null>(true);
    same<Stored<[Date, number]>, [string, number]>(true);
    same<Stored<{ at: Date; run(): void; gone: undefined }>, { at: string }>(true);
  });

  it('refuse what the API would refuse', async () => {
    const server = await startScriptedServer(
      json(201, { id: '1', status: 'completed', result: { url: 'u' } }),
    );
    const client = createClient({ url: server.url });
    try {
      await client.submit<Report>('report', { day: 'monday' }, { priority: 1, waitSeconds: 5 });
      // @ts-expect-error a field is missing
      await client.submit<Report>('report', {});
      // @ts-expect-error it is no text
      await client.submit<Report>('report', { day: 1 });
      // @ts-expect-error nobody knows this one
      await client.submit<Report>('report', { day: 'monday', hour: 1 });
      // @ts-expect-error nor this option
      await client.submit<Report>('report', { day: 'monday' }, { prio: 1 });
      // @ts-expect-error a periodic task is not submitted
      await client.submit<typeof examplePeriodicTask>('example-periodic-task', {});
      // @ts-expect-error there is no such state
      const filter: client.TaskFilter = { status: 'done' };
      await client.submit('anything', { of: { any: 'kind' } });

      const { result } = await client.wait<Report>('1');
      same<typeof result, ResultOf<Report> | null>(true);
      assert.equal(result?.url, 'u');
      const untyped = await client.wait('1');
      same<typeof untyped.result, unknown>(true);
      assert.ok(filter);
    } finally {
      await server.stop();
    }
  });

  it('tell events apart', () => {
    const tell = (event: client.TaskEvent<ResultOf<Report>>): string | number => {
      switch (event.type) {
        case 'status':
          return event.actor;
        case 'progress':
          return event.fraction;
        case 'log':
          return event.level;
        case 'complete':
          return event.result.url;
      }
    };
    const line = { type: 'log', level: 'info' } as client.TaskEvent<ResultOf<Report>>;
    assert.equal(tell(line), 'info');
  });
});

type ItemOf<Schema extends z.ZodType> =
  z.output<Schema> extends { items: readonly (infer Item)[] } ? Item : never;

/** zod says of a member that may be missing that it may be undefined; in JSON it is not. */
type Defined<T> = {
  [Key in keyof T]: undefined extends T[Key] ? Exclude<T[Key], undefined> : T[Key];
};

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Queryable } from '../../../src/main/database/connect.ts';
import { pausePeriodic, resumePeriodic } from '../../../src/main/engine/periodic.ts';
import { periodicType } from '../../support/periodic-type.ts';
import {
  captured,
  lastTicked,
  lead,
  now,
  planned,
  pool,
  published,
  query,
  schedule,
  slotsOf,
  start,
} from '../../support/scheduler-bench.ts';
import { waitFor } from '../../support/wait-for.ts';

test('a paused schedule has no ticks and no next run, and resuming it leaves no burst behind', async () => {
  const types = [periodicType('beat', { everySeconds: 1, missed: 'all' })];
  const [scheduler] = await lead(types, 'start');
  await captured.next('tick_submitted');
  await pausePeriodic(pool(), 'beat');
  const { next_run_at, last_slot } = await schedule('beat');
  assert.equal(next_run_at, null);
  const pausedAt = await slotsOf('beat');
  const resumeAfter = +last_slot + 3000;
  await waitFor('some slots to pass', async () => (await now()) > resumeAfter);
  assert.deepEqual(await slotsOf('beat'), pausedAt);

  await query("update tasks set status = 'completed'");
  await resumePeriodic(pool(), 'beat');
  scheduler?.look();
  await waitFor('a tick', async () => (await slotsOf('beat')).length > pausedAt.length);
  const [first] = (await slotsOf('beat')).slice(pausedAt.length) as [number];
  assert.ok(first > resumeAfter, 'no slot of the pause');
  assert.equal((first - +last_slot) % 1000, 0, 'the same grid');
});

test('a pause survives a restart', async () => {
  const types = [periodicType('beat')];
  await published(types);
  await pausePeriodic(pool(), 'beat');
  await published(types);
  start([...types, periodicType('other')], 'start');
  await published([periodicType('other')]);
  await captured.next('tick_submitted', ({ task_type }) => task_type === 'other');
  assert.deepEqual(await slotsOf('beat'), []);
});

test('an edited schedule takes the place of the old one while the scheduler runs', async () => {
  const types = [periodicType('beat', { everySeconds: 2 })];
  const [scheduler] = await lead(types, 'start');
  const first = await captured.next('tick_submitted');
  await published([periodicType('beat', { everySeconds: 3600 })]);
  scheduler?.look();
  const { next_run_at } = await waitFor('a new plan', async () => {
    const row = await schedule('beat');
    return row.next_run_at !== null && row;
  });
  assert.equal(+next_run_at - Date.parse(first.slot), 3_600_000);
  const old = Date.parse(first.slot) + 2000;
  await waitFor('the old slot to pass', async () => (await now()) > old + 500);
  assert.equal((await slotsOf('beat')).length, 1);
});

test('an edited schedule has no burst at the next start', async () => {
  const hourly = periodicType('beat', { cron: '0 * * * *', missed: 'all' });
  await published([hourly]);
  await lastTicked('beat', 10 * 86_400);
  const edited = [periodicType('beat', { cron: '0 0 1 1 *', missed: 'all' })];
  await published(edited);
  await planned('beat', () => start(edited, 'start'));
  assert.deepEqual(await slotsOf('beat'), []);
});

test('a cron schedule ticks when its time zone says so', async () => {
  const types = [periodicType('seconds', { cron: '* * * * * *', timezone: 'Australia/Lord_Howe' })];
  await lead(types, 'start');
  const { slot } = await captured.next('tick_submitted');
  assert.equal(Date.parse(slot) % 1000, 0);
  const yearly = [periodicType('yearly', { cron: '15 2 4 10 *', timezone: 'Australia/Lord_Howe' })];
  await lead(yearly, 'start');
  const { next_run_at } = await planned('yearly', () => {});
  assert.match(next_run_at.toISOString(), /-10-03T15:/);
});

test('a database that is away is an event, and what was missed meanwhile is made up for', async () => {
  const types = [periodicType('beat', { everySeconds: 1, missed: 'all', overlap: 'queue' })];
  await lead(types, 'start');
  const first = await captured.next('tick_submitted');
  await query('alter table periodic_tasks rename to elsewhere');
  await captured.next('database_error', ({ during }) => during === 'schedules');
  const back = Date.parse(first.slot) + 3000;
  await waitFor('three slots to pass', async () => (await now()) > back);
  await query('alter table elsewhere rename to periodic_tasks');
  await waitFor('all slots', async () => (await slotsOf('beat')).length >= 5);
  const slots = await slotsOf('beat');
  assert.deepEqual(
    slots,
    slots.map((_, index) => Date.parse(first.slot) + index * 1000),
  );
});

test('connections that break do not end the scheduler', async () => {
  await lead([periodicType('beat', { everySeconds: 1, overlap: 'queue' })], 'start');
  await captured.next('tick_submitted');
  for (let times = 0; times < 3; times++) {
    await query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await captured.next('tick_submitted');
  }
});

test('a schedule that cannot be read does not hold up the others', async () => {
  const types = [periodicType('bad', { cron: '0 0 * * *' }), periodicType('good', { everySeconds: 1 })];
  await published(types);
  await query("update periodic_tasks set schedule = 'whenever' where name = 'bad'");
  start(types, 'start');
  await captured.next('database_error', ({ during }) => during === 'schedule of bad');
  await captured.next('tick_submitted', ({ task_type }) => task_type === 'good');
});

test('a type is scheduled while a live runner can run it', async () => {
  await published([periodicType('gone'), periodicType('elsewhere'), periodicType('here')]);
  await query(`insert into runners (id, host, pid, version, mode, role, status, lease_seconds, task_types, last_seen_at)
    values (gen_random_uuid(), 'a', 1, '1', 'shared', 'member', 'active', 8, '{elsewhere}', now()),
      (gen_random_uuid(), 'b', 1, '1', 'shared', 'member', 'active', 8, '{gone}', now() - interval '1 minute'),
      (gen_random_uuid(), 'c', 1, '1', 'shared', 'member', 'stopped', 8, '{gone}', now())`);
  start([periodicType('here')], 'start');
  await captured.next('tick_submitted', ({ task_type }) => task_type === 'here');
  await captured
    .next('tick_submitted', ({ task_type }) => task_type === 'elsewhere')
    .catch(() => assert.fail());
  assert.deepEqual(await slotsOf('gone'), []);
});

test('a thousand notifications cost a few looks', async () => {
  const types = [periodicType('beat')];
  await published(types);
  let looks = 0;
  const counting: Queryable = {
    query(...args) {
      looks++;
      return pool().query(...args) as never;
    },
  };
  const scheduler = start(types, 'start', counting);
  await captured.next('tick_submitted');
  looks = 0;
  const from = performance.now();
  await waitFor('600 ms', () => {
    for (let times = 0; times < 50; times++) scheduler.look();
    return performance.now() > from + 600;
  });
  const quarters = Math.ceil((performance.now() - from) / 250);
  assert.ok(looks <= quarters + 1, `${looks} looks in ${quarters} quarters of a second`);
});

test('a stopped scheduler submits nothing more', async () => {
  const [scheduler] = await lead([periodicType('beat', { everySeconds: 1, overlap: 'queue' })], 'start');
  const first = await captured.next('tick_submitted');
  await scheduler?.stop();
  scheduler?.look();
  await waitFor('the next slot to pass', async () => (await now()) > Date.parse(first.slot) + 1500);
  assert.equal((await slotsOf('beat')).length, 1);
});

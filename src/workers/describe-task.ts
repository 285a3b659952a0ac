import type { RetryPolicy } from '../../drizzle/schema/tasks.ts';
import type { DatabaseTaskDefinition, PeriodicTaskDefinition, Retention, Retry } from './define-task.ts';
import { describeLimits } from './describe-limits.ts';
import { describeSchedule } from './describe-schedule.ts';
import { importTask, inputSchema, isDatabaseTask, type TaskFile } from './load-tasks.ts';
import { duration, oneOf, positive, wholeNumber } from './option-checks.ts';
import type { TaskTypeDescription } from './protocol.ts';
import { storable } from './report.ts';
import { marksSecrets } from './shared/secret-params.ts';

/** Loads a task file and describes its type. @throws Error with every reason why it cannot be used */
export async function describeTask(file: TaskFile): Promise<TaskTypeDescription> {
  const definition = await importTask(file.path);
  const common = {
    name: file.type,
    file: file.path,
    description: definition.description ?? null,
    emoji: definition.emoji ?? null,
    timeoutSeconds: positive('timeoutSeconds', definition.timeoutSeconds ?? 300),
    retentionDays: retention(definition.retentionDays),
  };
  if (typeof definition.run !== 'function') throw new Error('run is missing: it must be a function');
  const described = await (isDatabaseTask(definition)
    ? describeDatabaseTask(definition)
    : describePeriodicTask(definition));
  // It is published together with all others: text that PostgreSQL cannot hold would keep them out as well.
  return storable({ ...common, ...described }).value;
}

type Described = Omit<
  TaskTypeDescription,
  'name' | 'file' | 'description' | 'emoji' | 'timeoutSeconds' | 'retentionDays'
>;

async function describeDatabaseTask(definition: DatabaseTaskDefinition): Promise<Described> {
  const { deduplicate = 'none', batchSize, maxRetries = 3 } = definition;
  if (typeof definition.payload?.safeParseAsync !== 'function')
    throw new Error('payload is missing: it must be a zod schema');
  if (deduplicate !== 'none' && deduplicate !== 'payload' && typeof deduplicate !== 'function') {
    throw new Error(`deduplicate must be 'payload', 'none' or a function of the payload`);
  }
  return {
    kind: 'database',
    ...(await payloadSchema(definition)),
    maxRetries: wholeNumber('maxRetries', maxRetries, 0),
    retry: retryPolicy(definition.retry),
    batchSize: batchSize === undefined ? null : wholeNumber('batchSize', batchSize, 1),
    pollIntervalSeconds: positive('pollIntervalSeconds', definition.pollIntervalSeconds ?? 5),
    deduplicate: typeof deduplicate === 'function' ? 'function' : deduplicate,
    limits: describeLimits(definition),
    schedule: null,
  };
}

async function describePeriodicTask(definition: PeriodicTaskDefinition): Promise<Described> {
  return {
    kind: 'periodic',
    payloadSchema: {},
    hasSecrets: false,
    warnings: [],
    maxRetries: 0, // A failed tick is never retried: the next tick is the retry.
    retry: retryPolicy(undefined),
    batchSize: 1,
    pollIntervalSeconds: 5,
    deduplicate: 'none',
    limits: null,
    schedule: await describeSchedule(definition),
  };
}

/** @throws Error when params are marked as secret, and nobody else would know */
async function payloadSchema({
  payload,
}: DatabaseTaskDefinition): Promise<Pick<TaskTypeDescription, 'payloadSchema' | 'hasSecrets' | 'warnings'>> {
  try {
    const schema = await inputSchema(payload);
    checkPatterns(schema);
    return { payloadSchema: schema, hasSecrets: marksSecrets(schema), warnings: [] };
  } catch (error) {
    const reason = 'its payload cannot be expressed as JSON Schema';
    const { message } = error as Error;
    if (marksSecrets(await inputSchema(payload, 'any').catch(() => ({}))))
      throw new Error(`${reason}, and so its secrets could not be hidden: ${message}`);
    return {
      payloadSchema: {},
      hasSecrets: false,
      warnings: [`${reason} and is only checked in the thread: ${message}`],
    };
  }
}

/** JSON Schema reads patterns as Unicode ones, in which more has to be escaped and less may be. @throws SyntaxError */
function checkPatterns(schema: object): void {
  JSON.stringify(schema, (key, value: unknown) => {
    if (key === 'pattern' && typeof value === 'string') new RegExp(value, 'u');
    return value;
  });
}

function retryPolicy(retry: Retry = { strategy: 'cooldown' }): RetryPolicy {
  if (retry.strategy === 'cooldown')
    return { strategy: 'cooldown', seconds: duration('retry.seconds', retry.seconds ?? 600) };
  oneOf('retry.strategy', retry.strategy, ['cooldown', 'exponential']);
  return {
    strategy: 'exponential',
    seconds: duration('retry.seconds', retry.seconds ?? 2),
    factor: positive('retry.factor', retry.factor ?? 2),
    maxSeconds: duration('retry.maxSeconds', retry.maxSeconds ?? 3600),
    jitter: retry.jitter ?? true,
  };
}

function retention(days: Retention = {}): TaskTypeDescription['retentionDays'] {
  const { completed, failed } = typeof days === 'number' ? { completed: days, failed: days } : days;
  return {
    completed: completed === undefined ? null : keptDays('retentionDays.completed', completed),
    failed: failed === undefined ? null : keptDays('retentionDays.failed', failed),
  };
}

function keptDays(name: string, value: number): number {
  if (!(Number.isFinite(value) && value >= 0))
    throw new Error(`${name} must be a number of days from 0, which keeps for ever, not ${value}`);
  return value;
}

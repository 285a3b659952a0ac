import { existsSync, readFileSync, statSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { embeddingsConfig, LOCAL } from '../workers/shared/embeddings/config.ts';
import { LOCAL_MODEL } from '../workers/shared/embeddings/local.ts';
import { parseTokens } from './api-tokens.ts';
import { defaultSizes } from './sizes.ts';

/** A setting that cannot be used. `faults` has one line each, beginning with the variable's name. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n  ${faults.join('\n  ')}`,
    );
    this.faults = faults;
  }
}

export type Config = ReturnType<typeof readConfig>;

/**
 * Reads the whole configuration from the environment, after a `.env` file in the working directory (which never
 * overrides what is set). Secrets may come from files: `DATABASE_URL_FILE` and so on.
 * @param use `listens`: whether strangers could come in, so that something has to keep them out
 * @throws ConfigError with every fault at once, by name, and never with a secret's value.
 */
export function readConfig(env: NodeJS.ProcessEnv = environmentWithDotEnv(), use = { listens: true }) {
  const faults: string[] = [];
  const secrets = secretsFromFiles(env, faults);
  const parsed = settings.safeParse(withoutBlanks({ ...env, ...secrets }));
  if (!parsed.success) {
    for (const issue of parsed.error.issues) faults.push(`${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(faults);
  }
  const set = parsed.data;
  const databaseUrl = set.DATABASE_URL ?? set.PG_DSN ?? urlFromParts(set);
  const tokens = set.API_TOKENS ?? [];
  const protection = tokens.length > 0 ? 'tokens' : set.API_AUTH === 'none' ? 'none' : 'loopback';
  if (use.listens && protection === 'loopback' && !isLoopback(set.HOST)) {
    faults.push(
      `HOST: refusing to listen on ${set.HOST} without API_TOKENS; set tokens, listen on 127.0.0.1, or say API_AUTH=none`,
    );
  }
  const chunkOverlap = set.CHUNK_OVERLAP ?? Math.min(150, Math.floor(set.CHUNK_CHARACTERS / 8));
  if (chunkOverlap >= set.CHUNK_CHARACTERS / 2)
    faults.push(
      `CHUNK_OVERLAP: must be less than half of CHUNK_CHARACTERS, which is ${set.CHUNK_CHARACTERS}`,
    );
  if (set.EMBEDDINGS_URL !== undefined) faults.push(...modelFaults(set.EMBEDDINGS_URL, set.EMBEDDINGS_MODEL));
  if (faults.length > 0) throw new ConfigError(faults);
  return {
    database: {
      /** Unset means embedded, which only `start` and the tests bring. */
      url: databaseUrl,
      /** A direct connection, for LISTEN and session locks, when `url` is a transaction pooler. */
      listenUrl: set.LISTEN_DATABASE_URL ?? databaseUrl,
      dataDir: set.HEDDLE_DATA_DIR,
    },
    http: {
      host: set.HOST,
      port: set.PORT,
      /** What keeps strangers out: tokens; that only this machine can reach the API; or nothing, as asked for. */
      protection,
      tokens,
      trustedProxies: set.TRUSTED_PROXIES,
      maxConnections: set.MAX_CONNECTIONS,
      maxStreams: set.MAX_STREAMS,
      maxUploads: set.MAX_UPLOADS,
      maxBodyBytes: set.MAX_BODY_BYTES,
      maxDocumentBytes: set.MAX_DOCUMENT_BYTES,
      corsOrigins: set.CORS_ORIGINS ?? [],
      rateLimit: set.RATE_LIMIT,
      drainSeconds: set.DRAIN_SECONDS,
    },
    runner: {
      mode: set.RUNNER_MODE,
      port: set.RUNNER_PORT,
      threads: set.THREADS,
      threadMaxHeapMb: set.THREAD_MAX_HEAP_MB,
      tasksDir: set.TASKS_DIR,
      stopGraceSeconds: set.STOP_GRACE_SECONDS,
      leaseSeconds: set.LEASE_SECONDS,
      killGraceMs: set.KILL_GRACE_MS,
    },
    retention: {
      completedDays: set.RETENTION_COMPLETED_DAYS,
      failedDays: set.RETENTION_FAILED_DAYS,
      ticks: set.RETENTION_TICKS,
    },
    documents: {
      /** Who makes embeddings; null when nobody does. */
      embeddings: embeddingsConfig(withoutBlanks({ ...env, ...secrets })),
      chunkCharacters: set.CHUNK_CHARACTERS,
      chunkOverlap,
      conversionTimeoutSeconds: set.CONVERSION_TIMEOUT_SECONDS,
      ocrLanguages: set.OCR_LANGUAGES,
    },
    logLevel: set.LOG_LEVEL,
  };
}

const MEBIBYTE = 1024 * 1024;
const number = (what: string) => z.coerce.number(`must be a number, ${what}`);
const whole = (what: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  number(what)
    .int(`must be a whole number, ${what}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
const port = whole('a TCP port', 0, 65_535);
const days = number('of days').min(0, 'must not be negative');
const postgresUrl = z
  .string()
  .refine(
    (value) => URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol),
    'must be a postgresql:// address',
  );

/** Every variable, its default beside it. Blank counts as unset. */
export const settings = z.object({
  DATABASE_URL: postgresUrl.optional(),
  PG_DSN: postgresUrl.optional(),
  POSTGRES_HOST: z.string().optional(),
  POSTGRES_PORT: port.default(5432),
  POSTGRES_DB: z.string().default('heddle'),
  POSTGRES_USER: z.string().default('heddle'),
  POSTGRES_PASSWORD: z.string().optional(),
  LISTEN_DATABASE_URL: postgresUrl.optional(),
  HEDDLE_DATA_DIR: z.string().default('.heddle'),

  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8000),
  API_TOKENS: z.string().transform(parseTokens).optional(),
  API_AUTH: z.enum(['tokens', 'none'], "must be 'none' or 'tokens'").default('tokens'),
  MAX_BODY_BYTES: whole('of bytes', 1).default(MEBIBYTE),
  MAX_DOCUMENT_BYTES: whole('of bytes', 1).default(50 * MEBIBYTE),
  CORS_ORIGINS: z.string().transform(parseOrigins).optional(),
  TRUSTED_PROXIES: whole('of proxies', 0, 10).default(0),
  MAX_CONNECTIONS: whole('of connections', 1).default(2048),
  MAX_STREAMS: whole('of streams', 1).default(256),
  DRAIN_SECONDS: number('of seconds').min(0, 'must not be negative').default(0),
  MAX_UPLOADS: whole('of uploads', 1).default(16),
  RATE_LIMIT: z
    .string()
    .regex(/^[1-9]\d*\/[1-9]\d*$/, 'must be COUNT/SECONDS, such as 100/60')
    .transform((value) => {
      const [count, seconds] = value.split('/').map(Number) as [number, number];
      return { count, seconds };
    })
    .refine(({ count, seconds }) => count <= 1e6 && seconds <= 86_400, 'must be at most 1000000/86400')
    .optional(),

  RUNNER_MODE: z.enum(['singleton', 'shared'], "must be 'singleton' or 'shared'").default('singleton'),
  RUNNER_PORT: port.default(8001),
  THREADS: whole('of threads', 1, 1024).default(() => defaultSizes().threads),
  THREAD_MAX_HEAP_MB: whole('of megabytes', 16).default(() => defaultSizes().threadMaxHeapMb),
  TASKS_DIR: z.string().refine(isFolder, 'is not a folder that can be read').optional(),
  STOP_GRACE_SECONDS: number('of seconds').min(0, 'must not be negative').default(25),
  LEASE_SECONDS: number('of seconds').min(1, 'must be at least 1').default(8),
  KILL_GRACE_MS: number('of milliseconds').min(0, 'must not be negative').default(500),

  RETENTION_COMPLETED_DAYS: days.default(7),
  RETENTION_FAILED_DAYS: days.default(30),
  RETENTION_TICKS: whole('of ticks', 1).default(1000),

  EMBEDDINGS_URL: z
    .string()
    .trim()
    .refine(
      (value) => value === LOCAL || isEndpoint(value),
      `must be the whole http(s) address of an embeddings endpoint, without a password in it, or '${LOCAL}'`,
    )
    .optional(),
  EMBEDDINGS_MODEL: z.string().optional(),
  EMBEDDINGS_API_KEY: z.string().optional(),
  // Two hold every character of Unicode. More make a list of words that PostgreSQL cannot keep.
  CHUNK_CHARACTERS: whole('of characters', 2, 50_000).default(1200),
  CHUNK_OVERLAP: whole('of characters', 0).optional(),
  CONVERSION_TIMEOUT_SECONDS: number('of seconds').positive('must be more than 0').default(120),
  OCR_LANGUAGES: z
    .string()
    .regex(/^\w+(\+\w+)*$/, 'must be languages of tesseract, such as eng or eng+deu')
    .optional(),

  LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(
      z.enum(
        ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        'must be one of trace, debug, info, warn, error, fatal, silent',
      ),
    )
    .default('info'),
});

/** What browsers send as `Origin`, which is compared with these as it is. */
function parseOrigins(value: string, context: z.RefinementCtx): string[] {
  const origins = value.split(',').map((origin) => origin.trim());
  for (const origin of origins) {
    if (origin === '*' || isOrigin(origin)) continue;
    const message = `'${origin}' is not an origin, such as https://example.org (no path, no slash at its end, lower case), and not *`;
    context.addIssue({ code: 'custom', message });
  }
  return origins;
}

function isOrigin(value: string): boolean {
  return /^https?:[/\w.:[\]-]+$/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}

function isEndpoint(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** Embeddings are only compared with those of the same model: it has to have a name. */
function modelFaults(url: string, model: string | undefined): string[] {
  if (url !== LOCAL)
    return model === undefined
      ? ['EMBEDDINGS_MODEL: is missing: the model that EMBEDDINGS_URL is to use']
      : [];
  return model === undefined || model === LOCAL_MODEL
    ? []
    : [`EMBEDDINGS_MODEL: EMBEDDINGS_URL=${LOCAL} has only the model ${LOCAL_MODEL}; leave it out`];
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function urlFromParts(set: z.infer<typeof settings>): string | undefined {
  if (set.POSTGRES_HOST === undefined) return undefined;
  const url = new URL('postgresql://host');
  url.hostname = set.POSTGRES_HOST;
  url.port = String(set.POSTGRES_PORT);
  url.username = encodeURIComponent(set.POSTGRES_USER);
  url.password = encodeURIComponent(set.POSTGRES_PASSWORD ?? '');
  url.pathname = `/${encodeURIComponent(set.POSTGRES_DB)}`;
  return url.href;
}

function environmentWithDotEnv(): NodeJS.ProcessEnv {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

/** What may come from a file, which its name with `_FILE` behind it names. */
export const SECRETS = [
  'DATABASE_URL',
  'PG_DSN',
  'POSTGRES_PASSWORD',
  'LISTEN_DATABASE_URL',
  'API_TOKENS',
  'EMBEDDINGS_API_KEY',
] as const;

function secretsFromFiles(env: NodeJS.ProcessEnv, faults: string[]): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const name of SECRETS) {
    const file = env[`${name}_FILE`];
    if (!file) continue;
    try {
      secrets[name] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      faults.push(`${name}_FILE: ${(error as Error).message}`);
    }
  }
  return secrets;
}

function withoutBlanks(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
}

/** Whether only this machine can reach an address that is listened on. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

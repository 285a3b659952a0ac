import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { taskTypes } from '../../../drizzle/schema/tasks.ts';
import type { TaskTypeDescription } from '../../workers/protocol.ts';
import { hideSecrets, marksSecrets } from '../../workers/shared/secret-params.ts';
import type { Queryable } from '../database/connect.ts';
import { escapePointer } from '../database/storable.ts';

/** A task type that this runner can run, as its thread described it. */
export type RunnableType = TaskTypeDescription;

/** A published type, with its compiled payload schema. */
export interface TaskType {
  row: typeof taskTypes.$inferSelect;
  /** What is wrong with params, each with a JSON Pointer into them; empty when they are valid. */
  faultsOf(params: unknown): ParamsFault[];
  /** Params as they may be shown. */
  withoutSecrets(params: Params): Params;
}

type Params = Record<string, unknown>;

export interface ParamsFault {
  detail: string;
  pointer: string;
}

/** The types that runners have published, read anew from the table when the copy is older than a second. */
export class TaskTypeCatalogue {
  readonly #database: Queryable;
  #types = new Map<string, TaskType>();
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** All types by name. If one of `names` is not in the copy, the table is read before it counts as unknown. */
  async find(names: readonly string[]): Promise<ReadonlyMap<string, TaskType>> {
    const isOld = performance.now() - this.#readAt > MAX_AGE_MS;
    if (isOld || !names.every((name) => this.#types.has(name))) await this.#read();
    return this.#types;
  }

  /** Simultaneous callers share one query. */
  #read(): Promise<void> {
    this.#reading ??= this.#load().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #load(): Promise<void> {
    const { rows } = await this.#database.query<TaskType['row']>('select * from task_types order by name');
    const known = this.#types;
    this.#types = new Map(rows.map((row) => [row.name, reuse(known.get(row.name), row) ?? compile(row)]));
    this.#readAt = performance.now();
  }
}

const MAX_AGE_MS = 1000;

/** Compiling a schema costs milliseconds: it is done again only when the schema has changed. */
function reuse(known: TaskType | undefined, row: TaskType['row']): TaskType | undefined {
  if (
    known === undefined ||
    JSON.stringify(known.row.payload_schema) !== JSON.stringify(row.payload_schema)
  ) {
    return undefined;
  }
  return { ...known, row };
}

function compile(row: TaskType['row']): TaskType {
  const schema = row.payload_schema as Params;
  const hasSecrets = marksSecrets(schema);
  let validate: ValidateFunction | undefined;
  return {
    row,
    withoutSecrets: (params) => (hasSecrets ? hideSecrets(params, schema) : params),
    faultsOf(params) {
      validate ??= validatorFor(schema);
      return validate(params) ? [] : (validate.errors ?? []).map(toFault);
    },
  };
}

/**
 * A schema that ajv cannot compile (its regular expressions all have the `u` flag, zod's need not) lets everything
 * pass: the thread checks params whole in any case.
 */
function validatorFor(schema: object): ValidateFunction {
  try {
    return newAjv().compile(schema);
  } catch {
    return newAjv().compile({});
  }
}

/** One instance a schema: schemas with the same `$id` would clash in a shared one. */
function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false, logger: false });
  addFormats.default(ajv);
  return ajv;
}

function toFault(error: ErrorObject): ParamsFault {
  const missing = error.keyword === 'required' ? error.params.missingProperty : undefined;
  const extra = error.keyword === 'additionalProperties' ? error.params.additionalProperty : undefined;
  const at = missing ?? extra;
  return {
    pointer: at === undefined ? error.instancePath : `${error.instancePath}/${escapePointer(String(at))}`,
    detail:
      missing !== undefined
        ? 'is required'
        : extra !== undefined
          ? 'is not a known field'
          : (error.message ?? 'is invalid'),
  };
}

/*
 * What the type of a task file's default export tells: by its shape, so that no validation library is needed to check
 * a call.
 */

/** The default export of a task file: a database task. */
export interface Definition {
  /** Of any library that keeps to Standard Schema, such as zod. */
  payload: { readonly '~standard': { readonly types?: { readonly input: unknown } | undefined } };
  run(...context: never[]): unknown;
}

/** What a task of this definition takes: what its schema takes in. */
export type PayloadOf<Task extends Definition> = NonNullable<Task['payload']['~standard']['types']>['input'];

/** What a completed task of this definition has as its result. */
export type ResultOf<Task extends Definition> = Stored<Awaited<ReturnType<Task['run']>>>;

/** What becomes of a value that is kept as JSON: a date is text afterwards, and nothing is `null`. */
export type Stored<Value> = unknown extends Value
  ? unknown
  : Value extends string | number | boolean | null
    ? Value
    : Value extends { toJSON(): infer Text }
      ? Stored<Text>
      : Value extends void
        ? null
        : Value extends readonly unknown[]
          ? { [Index in keyof Value]: Stored<Value[Index]> }
          : Value extends object
            ? { [Key in keyof Value as Value[Key] extends Unstorable ? never : Key]: Member<Value[Key]> }
            : never;

/** JSON leaves these members of an object out. */
type Unstorable = undefined | symbol | ((...given: never[]) => unknown);

/** One that may be missing still may. */
type Member<Value> = undefined extends Value ? Stored<Exclude<Value, undefined>> | undefined : Stored<Value>;

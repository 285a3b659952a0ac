/** What the workloads ask of an engine: Heddle, or a peer by its adapter in `bench/peers/`. */
export interface System {
  /** Makes what it needs in an empty store. */
  prepare(): Promise<void>;
  /** Submits by the call that its client has for many. */
  submit(tasks: readonly Task[]): Promise<void>;
  submitOne(task: Task): Promise<void>;
  /** Loads what it is to run. */
  ready(): Promise<void>;
  /** Starts to run tasks. */
  start(): Promise<void>;
  /** How many tasks its store has that have not ended. */
  left(): Promise<number>;
  /** When each `record-start` task started, by its number: nanoseconds of the monotonic clock, as text. */
  starts(): Promise<Record<number, string>>;
  stop(): Promise<void>;
}

export type TaskName = 'no-op' | 'compute' | 'hold' | 'record-start' | 'spin-if-told';

export interface Task {
  type: TaskName;
  params: object;
}

export interface SystemOptions {
  /** Of its store: a database, or a Redis server. */
  url: string;
  /** What its configuration is to be best at. */
  best: Best;
  /** How many tasks it may have under way in its process, or in how many threads; its own choice when left out. */
  concurrency?: number;
  /** Of several processes on one store. */
  shared?: boolean;
}

/** `waiting`: for tasks that only wait. */
export type Best = 'throughput' | 'latency' | 'waiting';

/** What an adapter exports. @param ended is called for each task that its code has run, or its store has settled */
export type Open = (options: SystemOptions, ended: () => void) => Promise<System> | System;

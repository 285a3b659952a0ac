import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AttemptRow, EventRow } from '../../../src/main/engine/history.ts';
import { type Kept, type KeptLine, type NewsItem, newsOf } from '../../../src/main/engine/news.ts';
import { BEGINNING, type Position, positionText, readPosition } from '../../../src/main/engine/position.ts';

const at = (ms: number) => new Date(1_800_000_000_000 + ms);

/** A task to which things happen, kept as the engine keeps it. */
class History {
  readonly attempts: AttemptRow[] = [];
  readonly byHand: EventRow[] = [];
  readonly lines: KeptLine[] = [];
  task: Kept['task'] = {
    status: 'queued',
    attempt: 0,
    runner_id: null,
    thread_id: null,
    started_at: null,
    finished_at: null,
    created_at: at(0),
    updated_at: at(0),
    submitted_by: 'api:anna',
    claim_token: null,
    result: null,
    error: null,
    progress: null,
  };
  #token = 0n;
  #ms = 0;

  claim(): void {
    const { task } = this;
    this.#token += 1n;
    Object.assign(task, {
      status: 'running',
      attempt: task.attempt + 1,
      runner_id: 'r',
      claim_token: this.#token,
    });
    Object.assign(task, { started_at: this.#now(), finished_at: null, progress: null });
  }

  /** @param lag of the runner's clock */
  log(message: string, lag = 0): void {
    const { attempt } = this.task;
    const id = BigInt(this.lines.length + 1);
    this.lines.push({
      id,
      at: new Date(this.#now().getTime() - lag),
      attempt,
      level: 'info',
      message,
      fields: {},
    });
  }

  progress(fraction: number): void {
    this.task.progress = { fraction, message: null };
  }

  end(outcome: 'failed' | 'snoozed', statusAfter: 'queued' | 'failed' = 'queued'): void {
    const { attempt, runner_id, thread_id, started_at } = this.task;
    const claim_token = this.#token;
    const row = { attempt, runner_id, thread_id, started_at, finished_at: this.#now(), outcome, claim_token };
    this.attempts.push({ ...row, error: null, status_after: statusAfter });
    const back = outcome === 'snoozed' ? 1 : 0;
    Object.assign(this.task, { status: statusAfter, attempt: attempt - back });
  }

  complete(): void {
    Object.assign(this.task, { status: 'completed', finished_at: this.#now() });
  }

  giveBackUntouched(): void {
    Object.assign(this.task, { status: 'queued', attempt: this.task.attempt - 1, updated_at: this.#now() });
  }

  runByHand(): void {
    const { status: from_status, attempt } = this.task;
    const id = BigInt(this.byHand.length + 1);
    this.byHand.push({
      id,
      at: this.#now(),
      from_status,
      to_status: 'queued',
      attempt,
      actor: 'api:otto',
      detail: null,
    });
    Object.assign(this.task, { status: 'queued', progress: null });
  }

  /** What the database answers. @param page the most lines */
  since(position: Position, page = 1000): Kept {
    const lines = this.lines.filter(({ id }) => id > position.line);
    return {
      task: { ...this.task },
      attempts: this.attempts.filter(({ claim_token }) => claim_token > position.ended),
      byHand: this.byHand.filter(({ id }) => id > position.hand),
      lines: lines.slice(0, page),
      more: lines.length > page,
      quietSeconds: 0,
    };
  }

  /** Everything that is left to tell. */
  rest(since: Position, page?: number): NewsItem[] {
    const items: NewsItem[] = [];
    let position = since;
    for (;;) {
      const kept = this.since(position, page);
      const news = newsOf(kept, position);
      items.push(...news.items);
      position = news.position;
      if (!kept.more) return items;
    }
  }

  #now(): Date {
    return at(++this.#ms);
  }
}

/** `>running`, `50%`, or the line's message. */
function brief(items: readonly NewsItem[]): string {
  return items.map(briefly).join(' ');
}

function briefly(item: NewsItem): string {
  if (item.kind === 'status') return `>${item.change.to}`;
  return item.kind === 'log' ? item.line.message : `${item.progress.fraction * 100}%`;
}

describe('news of a task', () => {
  it('are its whole story to somebody who knows nothing', () => {
    const history = new History();
    history.claim();
    history.log('a');
    history.progress(0.5);
    history.end('failed');
    history.claim();
    history.log('b');
    history.progress(0.75);
    history.complete();
    assert.equal(brief(history.rest(BEGINNING)), '>queued >running a >queued >running b 75% >completed');
  });

  it('are nothing when nothing has happened', () => {
    const history = new History();
    history.claim();
    history.progress(0.5);
    const { position, isOver } = newsOf(history.since(BEGINNING), BEGINNING);
    assert.equal(isOver, false);
    assert.deepEqual(history.rest(position), []);
  });

  it('tell progress again when another attempt comes as far', () => {
    const history = new History();
    history.claim();
    history.progress(0.5);
    const { position } = newsOf(history.since(BEGINNING), BEGINNING);
    history.end('failed');
    history.claim();
    history.progress(0.5);
    assert.equal(brief(history.rest(position)), '>queued >running 50%');
  });

  it("have a line between the start and the end of its attempt, whatever the runner's clock says", () => {
    for (const lag of [-1000, 1000]) {
      const history = new History();
      history.claim();
      history.log('a', lag);
      history.end('failed');
      history.claim();
      history.log('b', lag);
      history.end('failed', 'failed');
      assert.equal(brief(history.rest(BEGINNING)), '>queued >running a >queued >running b >failed');
    }
  });

  it('tell attempts apart that have the same number', () => {
    const history = new History();
    history.claim();
    history.log('a');
    history.end('snoozed');
    history.claim();
    history.log('b');
    assert.equal(brief(history.rest(BEGINNING)), '>queued >running a >queued >running b');
  });

  it('tell that a task was given back before it started, of which nothing is kept', () => {
    const history = new History();
    history.claim();
    const { position } = newsOf(history.since(BEGINNING), BEGINNING);
    assert.equal(position.status, 'running');
    history.giveBackUntouched();
    const [back, ...more] = history.rest(position);
    assert.ok(back?.kind === 'status');
    assert.deepEqual([back.change.detail, back.position.status], ['given back before it started', 'queued']);
    assert.deepEqual(more, []);
    history.claim();
    assert.equal(brief(history.rest(back.position)), '>running');
  });

  it('tell the last lines of a task that completed itself', () => {
    const history = new History();
    history.claim();
    history.complete();
    const { position, isOver } = newsOf(history.since(BEGINNING), BEGINNING);
    assert.equal(isOver, true);
    history.log('done');
    const end = { ...position, isEnd: true };
    const news = newsOf(history.since(end), end);
    assert.equal(brief(news.items), 'done');
    assert.equal(news.position.isEnd, false);
  });

  it('are the same, each piece once, however often somebody looks and wherever they go on', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 40 }), pages, (steps, page) => {
        const history = new History();
        const told: NewsItem[] = [];
        const catchUp = () => told.push(...history.rest(told.at(-1)?.position ?? BEGINNING, page));
        for (const [[name, lag], looks] of steps) {
          advance(history, name, lag);
          if (looks) catchUp();
        }
        catchUp();
        const isKept = (item: NewsItem) => item.kind !== 'progress';
        assert.equal(brief(told.filter(isKept)), brief(history.rest(BEGINNING).filter(isKept)));
        for (const [index, { position }] of told.entries()) {
          const rest = history.rest(readPosition(positionText(position)) as Position).filter(isKept);
          assert.equal(brief(rest), brief(told.slice(index + 1).filter(isKept)));
        }
        assertLinesInTheirAttempts(told);
      }),
    );
  });
});

const step = fc.tuple(
  fc.constantFrom('claim', 'log', 'log', 'progress', 'fail', 'give up', 'complete', 'run'),
  fc.integer({ min: -100, max: 100 }),
);
const pages = fc.integer({ min: 1, max: 4 });

/** What can happen to the task as it is; other steps are left out. */
function advance(history: History, name: string, lag: number): void {
  const { status } = history.task;
  if (name === 'claim' && status === 'queued') history.claim();
  if (name === 'run' && (status === 'queued' || status === 'failed')) history.runByHand();
  if (status !== 'running') return;
  if (name === 'log') history.log(`line${history.lines.length}`, lag);
  if (name === 'progress') history.progress(Math.abs(lag) / 100);
  if (name === 'fail') history.end('failed');
  if (name === 'give up') history.end('failed', 'failed');
  if (name === 'complete') history.complete();
}

function assertLinesInTheirAttempts(told: readonly NewsItem[]): void {
  let running: number | null = null;
  for (const item of told) {
    if (item.kind === 'status') running = item.change.to === 'running' ? item.change.attempt : null;
    if (item.kind === 'log') assert.equal(item.line.attempt, running);
  }
}

describe('a position', () => {
  it('is a text without spaces, and back', () => {
    const position = { hand: 1n, started: 2n, ended: 3n, line: 4n, progress: 'aB-_1234', status: 'failed' };
    for (const isEnd of [false, true]) {
      const text = positionText({ ...position, isEnd });
      assert.match(text, /^\S+$/);
      assert.deepEqual(readPosition(text), { ...position, isEnd });
    }
  });

  it('is no other text', () => {
    const others = [
      '',
      '1',
      '1.2.3.4..',
      '1.2.3.4..done',
      `${'9'.repeat(19)}.2.3.4..queued`,
      '1.2.3.4..queued.e',
    ];
    for (const text of others) assert.equal(readPosition(text), undefined, text);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type JobSpec, type Task, enqueue, startJobs } from './jobs.ts';
import { query } from './sql.ts';
import { silentLogger, within } from './testing.ts';
import { type TestHub, openTestHub } from './testing-hub.ts';

let own: TestHub;
beforeEach(async () => void (own = await openTestHub()));
afterEach(() => own[Symbol.asyncDispose]());

const start = (tasks: Record<string, Task>, more = {}) => startJobs({ database: own.hub.database, logger: silentLogger, tasks, concurrency: 4, reapEveryMs: 200, ...more });
const promise = (task: string, payload: unknown, spec?: JobSpec) => own.hub.database.em().transactional((em) => enqueue(em, task, payload, spec));
const left = async () => (await query<{ n: number }>(own.hub.database.em(), 'select count(*)::int as n from graphile_worker._private_jobs'))[0]?.n;

describe('a job', () => {
  test('runs when the transaction that promised it commits, and not before', async () => {
    const ran = vi.fn(async () => undefined);
    await using _jobs = await start({ work: ran });
    await promise('work', { n: 0 });
    await vi.waitFor(() => expect(ran).toHaveBeenCalledTimes(1), within); // the first of its kind registers it
    await own.hub.database.em().transactional(async (em) => {
      await enqueue(em, 'work', { n: 1 });
      await promise('work', { n: 2 });
      await vi.waitFor(() => expect(ran).toHaveBeenCalledWith({ n: 2 }, expect.any(AbortSignal)), within);
      expect(ran).not.toHaveBeenCalledWith({ n: 1 }, expect.any(AbortSignal));
    });
    await vi.waitFor(() => expect(ran).toHaveBeenCalledWith({ n: 1 }, expect.any(AbortSignal)), within);
  });

  test('is no promise when its transaction rolls back', async () => {
    const ran = vi.fn(async () => undefined);
    const failed = own.hub.database.em().transactional(async (em) => {
      await enqueue(em, 'work', { n: 1 });
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await left()).toBe(0);
    await using _jobs = await start({ work: ran });
    await promise('work', { n: 2 });
    await vi.waitFor(() => expect(ran).toHaveBeenCalled(), within);
    expect(ran.mock.calls).toEqual([[{ n: 2 }, expect.any(AbortSignal)]]);
  });

  test('with a key is one with those of the same key while it has not begun, and the later word counts', async () => {
    const ran = vi.fn(async () => undefined);
    for (let n = 0; n < 5; n++) await promise('work', { n }, { key: 'same' });
    expect(await left()).toBe(1);
    await using _jobs = await start({ work: ran });
    await vi.waitFor(async () => expect(await left()).toBe(0), within);
    expect(ran.mock.calls).toEqual([[{ n: 4 }, expect.any(AbortSignal)]]);
  });

  test('of a queue runs after the one before it, in order; others run beside it', async () => {
    const log: string[] = [];
    let free = () => undefined as void;
    const gate = new Promise<void>((resolve) => (free = resolve));
    await using _jobs = await start({
      queued: async (payload) => {
        log.push(`begin ${(payload as { n: number }).n}`);
        await gate;
        log.push(`end ${(payload as { n: number }).n}`);
      },
      beside: async () => void log.push('beside'),
    });
    for (const n of [1, 2, 3]) await promise('queued', { n }, { queue: 'one by one' });
    await promise('beside', {});
    await vi.waitFor(() => expect(log.toSorted()).toEqual(['begin 1', 'beside']), within);
    free();
    await vi.waitFor(() => expect(log.filter((each) => each !== 'beside')).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']), within);
  });

  test('that fails is tried again, and others are not held up', async () => {
    const tries = vi.fn(async () => Promise.reject(new Error('not yet')));
    const ran = vi.fn(async () => undefined);
    await using _jobs = await start({ fails: tries, work: ran });
    await promise('fails', {});
    await promise('work', {});
    await vi.waitFor(() => expect(ran).toHaveBeenCalled(), within);
    await vi.waitFor(() => expect(tries.mock.calls.length).toBeGreaterThan(1), within);
  });

  test('is done before the process stops, and those that have not begun stay for the next', async () => {
    let finished = false;
    let begun = () => undefined as void;
    const running = new Promise<void>((resolve) => (begun = resolve));
    const jobs = await start({
      slow: async (_payload, signal) => {
        begun();
        await new Promise<void>((resolve) => (signal.aborted ? resolve() : setTimeout(resolve, 100)));
        finished = true;
      },
    });
    await promise('slow', {});
    await running;
    await jobs[Symbol.asyncDispose]();
    expect([finished, await left()]).toEqual([true, 0]);
    await promise('slow', {});
    expect(await left()).toBe(1);
  });
});

test('jobs of a worker that was killed are freed and done by another within seconds', async () => {
  const here = (file: string) => JSON.stringify(join(import.meta.dirname, file));
  const script = `import { openDatabase } from ${here('database.ts')}; import { startJobs } from ${here('jobs.ts')}; import { createLogger } from ${here('logging.ts')};
    const logger = createLogger('silent');
    const database = await openDatabase({ url: process.argv[1], entities: [], migrations: [], logger });
    await startJobs({ database, logger, tasks: { work: async () => { console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 600_000)); } } });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, own.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  await promise('work', { n: 1 }, { queue: 'held' });
  await promise('work', { n: 2 }, { queue: 'held' });
  await once(child.stdout, 'data');
  const ran: unknown[] = [];
  await using _jobs = await start({ work: async (payload) => void ran.push(payload) });
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  await vi.waitFor(async () => expect([ran, await left()]).toEqual([[{ n: 1 }, { n: 2 }], 0]), within);
});

test('a job of a worker that lives is left to it, however long it takes', async () => {
  let begun = () => undefined as void;
  let free = () => undefined as void;
  const [running, gate] = [new Promise<void>((resolve) => (begun = resolve)), new Promise<void>((resolve) => (free = resolve))];
  const twice = vi.fn();
  const first = await start({ work: () => (begun(), gate) });
  await promise('work', {});
  await running;
  // As it would be after an hour.
  await query(own.hub.database.em(), `update graphile_worker._private_jobs set locked_at = now() - interval '1 hour'`);
  const reaps = vi.spyOn(own.hub.database, 'em');
  const second = await start({ work: async () => void twice() });
  await vi.waitFor(() => expect(reaps.mock.calls.length).toBeGreaterThan(8), within);
  expect(twice).not.toHaveBeenCalled();
  free();
  await vi.waitFor(async () => expect(await left()).toBe(0), within);
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  expect(twice).not.toHaveBeenCalled();
});

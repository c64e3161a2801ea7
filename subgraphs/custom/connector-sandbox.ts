/**
 * Runs what others wrote in processes of its own, so that nothing of it can hold the hub up or take its memory.
 *
 * Processes and not threads: V8 ends the whole process when a single allocation of a thread goes past the thread's
 * limit (`[1..9999999]` does), and the hub with it. Two work for all services; a service has one of them at a time and
 * waits its turn, so one whose expressions never end slows the others by its deadline at the most.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventgraphError } from '#core/errors.ts';

/** Evaluates expressions on one answer, which is text that may be no JSON: by their names, what each came to. */
export type ReadTask = { readonly kind: 'read'; readonly answer: string; readonly expressions: Readonly<Record<string, string>>; readonly bindings: Readonly<Record<string, unknown>> };
/** Checks and maps records. `oneByOne` tells each outcome when it is there. */
export type MapTask = { readonly kind: 'map'; readonly records: readonly unknown[]; readonly mapping: string; readonly schema: Readonly<Record<string, unknown>> | null; readonly bindings: Readonly<Record<string, unknown>>; readonly oneByOne: boolean };
/** The facts of a record as JSON, or why there are none. */
export type Outcome = { readonly facts: string } | { readonly reason: string };
export type Value = { readonly value: unknown } | { readonly reason: string };

export type ToProcess = { readonly id: number; readonly serviceId: string; readonly task: ReadTask | MapTask };
export type FromProcess = { readonly ready: true } | { readonly id: number; readonly result: unknown } | { readonly id: number; readonly failed: string } | { readonly id: number; readonly outcome: Outcome };

/** What an expression did not come to an end in, or took too much memory in. */
export class Stopped extends EventgraphError {
  constructor(message: string) {
    super('MAPPING_TOO_COSTLY', message);
  }
}

export type SandboxOptions = { readonly processes: number; /** For a task, and for each record where they are told one by one. */ readonly deadlineMs: number };

export type RunOptions = { readonly signal?: AbortSignal; /** Gets outcomes as they come. */ readonly told?: (outcome: Outcome) => void };

export type Sandbox = AsyncDisposable & {
  /** Throws Stopped when the deadline passed or the process came to its end, and the signal's reason where that came before its turn. */
  run(serviceId: string, task: ReadTask | MapTask, options?: RunOptions): Promise<unknown>;
};

const entry = fileURLToPath(new URL('./connector-sandbox-process.ts', import.meta.url));
const heapMegabytes = 128;
/** Of the whole process: some memory is taken in one piece, before the limit of the heap is looked at. */
const mostBytes = 320 * 1024 * 1024;
const lookAtMemoryMs = 50;
/** A process whose hub is gone goes on for so long at the most, after its deadline. */
const graceMs = 1_000;
/** A process that had nothing to do for so long ends. */
const idleMs = 60_000;
/** A machine that is busy takes its time to start one. */
const startMs = 30_000;

export const createSandbox = ({ processes, deadlineMs }: SandboxOptions): Sandbox => {
  const idle: Runner[] = [];
  const all = new Set<Runner>();
  const waiting: ((runner: Runner) => void)[] = [];
  const turns = new Map<string, Promise<unknown>>();

  const take = async (): Promise<Runner> => {
    const free = idle.pop();
    if (free) return free;
    if (all.size < processes) {
      const made = startRunner(deadlineMs);
      all.add(made);
      return made;
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
  const giveBack = (runner: Runner): void => {
    const next = waiting.shift();
    if (runner.isAlive()) return next ? next(runner) : void idle.push(runner);
    all.delete(runner);
    if (next) void take().then(next);
  };
  const runOnce = async (serviceId: string, task: ReadTask | MapTask, told?: (outcome: Outcome) => void): Promise<unknown> => {
    let runner = await take();
    // One that ended while it had nothing to do.
    for (; !runner.isAlive(); runner = await take()) all.delete(runner);
    try {
      return await runner.run(serviceId, task, told);
    } finally {
      giveBack(runner);
    }
  };
  return {
    run(serviceId, task, { signal, told } = {}) {
      const turn = (turns.get(serviceId) ?? Promise.resolve()).then(() => {
        signal?.throwIfAborted();
        return runOnce(serviceId, task, told);
      });
      const settled = turn.then(() => undefined, () => undefined).then(() => void (turns.get(serviceId) === settled && turns.delete(serviceId)));
      turns.set(serviceId, settled);
      return turn;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...all].map((runner) => runner.end()));
    },
  };
};

/** Folders with the packages that the process imports, as they are looked for and as they really are. */
const packages = (): string[] => {
  const folder = createRequire(import.meta.url).resolve.paths('jsonata')?.find((each) => existsSync(join(each, 'jsonata')));
  return folder === undefined ? [] : [folder, realpathSync(folder)];
};

/**
 * What such a process may do: read its own source and the packages that it imports. No thread, since one could be started
 * without these limits. Node 24 has none for the network: whatever broke out of its realm could still connect.
 */
export const sandboxFlags = (): readonly string[] => {
  const own = ['./connector-sandbox-process.ts', './connector-realm.ts', '../../package.json'].map((file) => fileURLToPath(new URL(file, import.meta.url)));
  return [`--max-old-space-size=${heapMegabytes}`, '--permission', ...[...own, ...packages()].map((path) => `--allow-fs-read=${path}`), '--disable-warning=ExperimentalWarning'];
};

/** What a process holds, as Linux tells it; elsewhere the limit of its heap alone bounds it. */
const residentBytes = async (pid: number | undefined): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
};

type Runner = { run(serviceId: string, task: ReadTask | MapTask, told?: (outcome: Outcome) => void): Promise<unknown>; isAlive(): boolean; end(): Promise<void> };
type Current = { readonly id: number; readonly resolve: (result: unknown) => void; readonly reject: (error: unknown) => void; readonly told: ((outcome: Outcome) => void) | undefined };

/** One process, one task at a time. */
const startRunner = (deadlineMs: number): Runner => {
  // Nothing of this process is handed on: its environment has secrets, and its flags are not meant for a small one.
  const child = fork(entry, [String(deadlineMs + graceMs)], { env: {}, execArgv: [...sandboxFlags()], serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  const clock = createClock(() => ((late = true), kill(child)));
  const memory = setInterval(() => void (current && residentBytes(child.pid).then((bytes) => bytes > mostBytes && kill(child))), lookAtMemoryMs).unref();
  let alive = true;
  let late = false;
  let ids = 0;
  let current: Current | null = null;
  const settle = (settled: (current: Current) => void): void => {
    const was = current;
    current = null;
    if (was) settled(was);
  };
  // Raced once: each race leaves a reaction on a process that has not ended.
  const started = Promise.race([new Promise<void>((resolve) => child.once('message', () => resolve())), exited]);
  child.on('message', (message: FromProcess) => {
    if ('ready' in message || message.id !== current?.id) return;
    if ('outcome' in message) return clock.start(deadlineMs), current.told?.(message.outcome);
    clock.start(idleMs);
    settle(({ resolve, reject }) => ('result' in message ? resolve(message.result) : reject(new EventgraphError('MAPPING_FAILED', message.failed))));
    release(child);
  });
  void exited.then(() => {
    alive = false;
    clock.stop();
    clearInterval(memory);
    settle(({ reject }) => reject(new Stopped(late ? `An expression took longer than ${deadlineMs} ms.` : 'An expression took more memory than it may.')));
  });
  release(child);
  return {
    async run(serviceId, task, told) {
      hold(child);
      clock.start(startMs);
      await started;
      if (!alive) throw new EventgraphError('MAPPING_UNAVAILABLE', 'No process to evaluate expressions in can be started.');
      return new Promise((resolve, reject) => {
        const id = ++ids;
        current = { id, resolve, reject, told };
        clock.start(deadlineMs);
        child.send({ id, serviceId, task } satisfies ToProcess, (error) => error && kill(child));
      });
    },
    isAlive: () => alive && child.connected,
    async end() {
      kill(child);
      await exited;
    },
  };
};

const kill = (child: ChildProcess): void => void child.kill('SIGKILL');

/** One that has nothing to do does not keep the hub from ending; while it works, it does. */
const release = (child: ChildProcess): void => (child.unref(), child.channel?.unref());
const hold = (child: ChildProcess): void => (child.ref(), child.channel?.ref());

const createClock = (late: () => void) => {
  let timer: NodeJS.Timeout | undefined;
  return {
    start(ms: number) {
      clearTimeout(timer);
      timer = setTimeout(late, ms).unref();
    },
    stop: () => clearTimeout(timer),
  };
};

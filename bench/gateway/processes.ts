/** The processes of the bench: each program runs in its own, on the same Node, and ends with the bench. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Program = AsyncDisposable & {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  /** Asks the program something that it answers over the channel between the two; see `answering`. */
  ask<T>(question: string): Promise<T>;
  rssMiB(): number;
  /** Seconds of processor time so far. */
  cpuSeconds(): number;
};

export type Start = {
  readonly name: string;
  /** Beside this file. It calls `ready` when it listens. */
  readonly file: string;
  /** What it reads with `settings`. */
  readonly settings: object;
  /** Of Node. */
  readonly flags?: readonly string[];
};

type Ready = { readonly ready: string };
type Answer = { readonly answer: number; readonly value: unknown };

/** Ended by a signal, this process still ends the ones it started. */
const endOnSignals = (): void => {
  if (process.listenerCount('SIGTERM') > 0) return;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
};

export const startProgram = async ({ name, file, settings, flags }: Start): Promise<Program> => {
  const child = fork(join(import.meta.dirname, file), [JSON.stringify(settings)], { execPath: process.execPath, execArgv: [...process.execArgv, ...(flags ?? [])], env: { ...process.env, NODE_ENV: 'production' }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it listened.`)));
    child.once('message', (message) => resolve((message as Ready).ready));
  });
  return controlled(name, child, url);
};

/** A program that knows nothing of the bench: started from its command line, asked until it answers. */
export const startCommand = async (name: string, args: readonly string[], cwd: string, url: string, env: Readonly<Record<string, string>> = {}): Promise<Program> => {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, NODE_ENV: 'production', ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
  const program = controlled(name, child, url);
  for (const deadline = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} before it answered.`);
    const answered = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ __typename }"}' }).then(({ ok }) => ok, () => false);
    if (answered) return program;
    if (Date.now() > deadline) {
      await program[Symbol.asyncDispose]();
      throw new Error(`${name} did not answer within a minute.`);
    }
  }
};

const controlled = (name: string, child: ChildProcess, url: string): Program => {
  endOnSignals();
  let questions = 0;
  const waiting = new Map<number, (value: unknown) => void>();
  child.on('message', (message) => {
    const { answer, value } = message as Answer;
    waiting.get(answer)?.(value);
    waiting.delete(answer);
  });
  const stop = () => void child.kill('SIGKILL');
  process.once('exit', stop);
  const proc = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
  return {
    name,
    pid: child.pid ?? 0,
    url,
    ask: <T>(question: string) =>
      new Promise<T>((resolve) => {
        waiting.set(++questions, resolve as (value: unknown) => void);
        child.send({ question, id: questions });
      }),
    rssMiB: () => Number(/VmRSS:\s+(\d+)/.exec(proc('status'))?.[1]) / 1024,
    // utime and stime, in clock ticks of 10 ms; the name before them may hold spaces, but ends with ")".
    cpuSeconds: () => proc('stat').split(') ')[1]?.split(' ').slice(11, 13).reduce((sum, ticks) => sum + Number(ticks) / 100, 0) ?? NaN,
    async [Symbol.asyncDispose]() {
      process.off('exit', stop);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const late = setTimeout(stop, 3000);
      await ended;
      clearTimeout(late);
    },
  };
};

/** Inside a program: what it was started with. */
export const settings = (): unknown => JSON.parse(process.argv[2] ?? '{}');

/** Inside a program: it listens, and from now on answers questions. */
export const ready = (url: string, answers: Readonly<Record<string, () => unknown>> = {}): void => {
  process.on('message', (message) => {
    const { question, id } = message as { question: string; id: number };
    void Promise.resolve(answers[question]?.()).then((value) => process.send?.({ answer: id, value } satisfies Answer));
  });
  process.once('disconnect', () => process.exit());
  process.send?.({ ready: url } satisfies Ready);
};

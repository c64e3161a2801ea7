/** Parts of benches in processes of their own: asked one question at a time, each answered once. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export type Part<Questions extends { readonly [name: string]: (...args: never[]) => unknown }> = AsyncDisposable & {
  ask<Name extends keyof Questions & string>(name: Name, ...args: Parameters<Questions[Name]>): Promise<Awaited<ReturnType<Questions[Name]>>>;
};

type Answered = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** `file`: below this folder. */
export const startPart = async <Questions extends { readonly [name: string]: (...args: never[]) => unknown }>(file: string, ...args: string[]): Promise<Part<Questions>> => {
  const child: ChildProcess = fork(join(import.meta.dirname, file), args, { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, LOG_LEVEL: 'warn' } });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let asked = 0;
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => {
      const ended = new Error(`${file} ended with ${code}`);
      reject(ended);
      for (const each of waiting.values()) each.reject(ended);
    });
    child.on('message', ({ id, value, error }: Answered) => {
      if (id === 0) return resolve();
      const question = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) question?.resolve(value as never);
      else question?.reject(new Error(`${file}: ${error}`));
    });
  });
  return {
    ask: (name, ...questionArgs) =>
      new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject });
        child.send({ id: asked, name, args: questionArgs });
      }),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
};

/** In the part: answers questions from now on. */
export const answerQuestions = (questions: { readonly [name: string]: (...args: never[]) => unknown }): void => {
  process.on('message', ({ id, name, args }: { id: number; name: string; args: never[] }) => {
    Promise.resolve(questions[name]?.(...args)).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.once('disconnect', () => process.exit());
  process.send?.({ id: 0 });
};

/** Of a clock that all processes of a machine share, in milliseconds. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * The real pretix on loopback, for tests: `await using pretix = await startPretix()`.
 *
 * Each one has a database of its own, filled by `seed.py`, and takes itself away when disposed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { run } from '../python.ts';
import { cacheFolder, freshDatabase, installPretix, pretixEnvironment, python, writeConfiguration } from './install.ts';
import { createPretixProcess, freePort } from './server.ts';

const seededEvent = z.object({
  slug: z.string(),
  /** Ids by English name. */
  items: z.record(z.string(), z.number()),
  lists: z.record(z.string(), z.number()),
  subevents: z.array(z.number()),
});

const seeded = z.object({
  organizer: z.string(),
  /** An API token of a team with all permissions on all events of `organizer`. */
  token: z.string(),
  gate: z.number(),
  events: z.array(seededEvent),
  /** Somebody else's organizer, which `token` must not see. */
  other: z.object({ organizer: z.string(), token: z.string(), event: z.string() }),
});

export type SeededEvent = z.infer<typeof seededEvent>;
export type Seeded = z.infer<typeof seeded>;

export type PretixServer = Seeded &
  AsyncDisposable & {
    /** `http://127.0.0.1:<port>`; the API is below `/api/v1/`. Stays the same over stop and start. */
    readonly url: string;
    /** The server's data, for what only its own shell can do. */
    readonly folder: string;
    stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
    start(): Promise<void>;
    restart(): Promise<void>;
    /** What a cron job does every few minutes in production: late webhooks, expired orders, automatic exits. */
    runPeriodicTasks(): Promise<void>;
    /** Runs Python inside pretix (`django.setup()` done, scopes disabled), for what has no API. */
    runPython(code: string): Promise<string>;
  };

export type StartPretixOptions = { readonly log?: (line: string) => void };

export const startPretix = async (options: StartPretixOptions = {}): Promise<PretixServer> => {
  await installPretix(options.log ?? (() => undefined));
  const folder = await mkdtemp(join(cacheFolder, 'run-'));
  try {
    return await startIn(folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

const startIn = async (folder: string): Promise<PretixServer> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeConfiguration(folder, url);
  await freshDatabase(folder);
  const environment = pretixEnvironment(folder);
  const seed = seeded.parse(JSON.parse(await run(python, [join(import.meta.dirname, 'seed.py')], environment)));
  const server = createPretixProcess(folder, port);
  await server.start();
  return {
    ...seed,
    url,
    folder,
    start: server.start,
    stop: server.stop,
    async restart() {
      await server.stop();
      await server.start();
    },
    async runPeriodicTasks() {
      await run(python, ['-m', 'pretix', 'runperiodic'], environment);
    },
    runPython: (code) => run(python, ['-c', `import django\ndjango.setup()\nfrom django_scopes import scopes_disabled\nwith scopes_disabled():\n${code.replace(/^/gm, '    ')}\n`], environment),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

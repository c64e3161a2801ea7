/** A real pretix and what a hub needs beside it; and how its numbers are compared. */
import { startEmbeddedPostgres } from '#core/embedded-postgres.ts';
import { startPretix } from '#scripts/pretix/pretix.ts';
import type { TrafficPlan } from '#scripts/pretix/traffic.ts';
import { type HubEnvironment, makeDataDir, plainHub } from './hub-process.ts';

export const plan = { seed: 'equality', orders: 500, checkIns: 400, exits: 50, cancellations: 20, others: 15 } satisfies TrafficPlan;
/** How long the hub may take to come to the same numbers after the last change: two polls and a sweep of its calls. */
export const settleMs = 240_000;
export const testMs = 1_200_000;

/** A hub on a database that the test can look into. */
export const startAll = async () => {
  const stack = new AsyncDisposableStack();
  const pretix = stack.use(await startPretix());
  const folder = stack.use(await makeDataDir());
  const data = stack.use(await makeDataDir());
  const postgres = stack.use(await startEmbeddedPostgres({ dataDir: data.path, password: 'test', settings: { fsync: 'off' } }));
  const env: HubEnvironment = { ...(await plainHub(folder.path)), DATABASE_URL: postgres.url };
  return { pretix, env, databaseUrl: postgres.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

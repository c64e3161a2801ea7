/**
 * The hub against a real pretix: people buy, come, leave and cancel through pretix's own API in a random order while
 * the hub polls and takes webhooks. At the end every number of the hub equals pretix's own: nothing lost, nothing
 * doubled; and so for 19 simulated services of other kinds beside it. Then the same of pretix with the hub killed three times and pretix gone for a minute.
 */
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '#core/embedded-postgres.ts';
import { startPretix } from '#scripts/pretix/pretix.ts';
import { type TrafficPlan, makeTraffic } from '#scripts/pretix/traffic.ts';
import { type HubEnvironment, type HubProcess, ask, askUntil, makeDataDir, plainHub, startHubProcess } from './hub-process.ts';
import { expectEqualNumbers, startNeighbours } from './neighbours/index.ts';
import { expectEqualPretix, registerPretix } from './pretix-numbers.ts';

const plan: TrafficPlan = { seed: 'equality', orders: 500, checkIns: 400, exits: 50, cancellations: 20, others: 15 };
/** How long the hub may take to come to the same numbers after the last change: two polls and a sweep of its calls. */
const settleMs = 120_000;
const testMs = 1_200_000;

/** A hub on a database that the test can look into. */
const startAll = async () => {
  const stack = new AsyncDisposableStack();
  const pretix = stack.use(await startPretix());
  const folder = stack.use(await makeDataDir());
  const data = stack.use(await makeDataDir());
  const postgres = stack.use(await startEmbeddedPostgres({ dataDir: data.path, password: 'test', settings: { fsync: 'off' } }));
  const env: HubEnvironment = { ...(await plainHub(folder.path)), DATABASE_URL: postgres.url };
  return { pretix, env, databaseUrl: postgres.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('every number of the hub is the one that pretix has, and so for 19 services beside it, some of which fail at any time', { timeout: testMs }, async () => {
  await using all = await startAll();
  await using neighbours = await startNeighbours('beside pretix');
  await using hub = await startHubProcess(all.env);
  await registerPretix(hub, all.pretix);
  await neighbours.register(hub);
  await makeTraffic(all.pretix, plan, async () => neighbours.step());
  neighbours.mendAll();
  await expectEqualPretix(hub, all.databaseUrl, all.pretix, plan, settleMs);
  await expectEqualNumbers(hub, neighbours, settleMs);
  expect(neighbours.failures()).toBeGreaterThan(19);
});

test('also when the hub is killed three times and pretix is gone for a minute', { timeout: testMs }, async () => {
  await using all = await startAll();
  let hub = await startHubProcess(all.env);
  await registerPretix(hub, all.pretix);
  const quarter = Math.floor((plan.orders + plan.checkIns + plan.exits + plan.cancellations) / 4);
  await makeTraffic(all.pretix, { ...plan, seed: 'equality through crashes' }, async (done) => {
    if (done % quarter === 0 && done <= 3 * quarter) {
      await hub.stop('SIGKILL');
      hub = await startHubProcess(all.env);
    }
    if (done === 2 * quarter + 20) {
      await all.pretix.stop();
      await goneFor(60_000, hub);
      await all.pretix.start();
    }
  });
  await expectEqualPretix(hub, all.databaseUrl, all.pretix, plan, settleMs);
  await hub.stop('SIGTERM');
});

/** That long, and until the hub knows. */
const goneFor = async (ms: number, hub: HubProcess): Promise<void> => {
  const long = new Promise((resolve) => setTimeout(resolve, ms));
  const health = async () => (await ask<{ eventServices: { edges: { node: { health: string } }[] } }>(hub.url, hub.adminKey, '{ eventServices(first: 1) { edges { node { health } } } }')).data.eventServices.edges[0]?.node.health;
  await askUntil(health, (told) => told !== 'HEALTHY', ms);
  await long;
};

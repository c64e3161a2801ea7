import { expect, test } from 'vitest';
import { cloneDatabase } from '#core/testing.ts';
import { type TrafficPlan, makeTraffic } from '#scripts/pretix/traffic.ts';
import { createPretixSimulator } from '#simulators/pretix/index.ts';
import { contractPlan } from '#simulators/pretix/plans.ts';
import { makeDataDir, plainHub, startHubProcess } from './hub-process.ts';
import { expectEqualNumbers, startNeighbours } from './neighbours/index.ts';
import { expectEqualPretix, registerPretix } from './pretix-numbers.ts';

const plan: TrafficPlan = { seed: 'many services', orders: 70, checkIns: 60, exits: 12, cancellations: 8, others: 4 };
/** Of the pretix too, what the hub asks fails, and what people do does not. */
const askedByTheHub = /organizers\/\w+\/orders\/\?|checkins\/\?/;
/** A service that hung is left alone for a while before it is asked again. */
const settleMs = 240_000;

// The same over a real pretix is in pretix-equality.e2e.ts.
test('of twenty services of all kinds, some of which fail at any time, every number is their own: nothing lost, nothing doubled', { timeout: 900_000 }, async () => {
  await using folder = await makeDataDir();
  await using database = await cloneDatabase();
  await using simulator = await createPretixSimulator({ plan: contractPlan, requestsPerMinute: null, webhookRetryMs: [100, 500] });
  const { url, token, organizer, world } = simulator;
  const pretix = { url, token, organizer, events: [...world.events.values()].map(({ plan: { slug }, subevents }) => ({ slug, subevents: subevents.map(({ id }) => id) })) };
  await using neighbours = await startNeighbours('many services');
  await using hub = await startHubProcess({ ...(await plainHub(folder.path)), DATABASE_URL: database.url });
  await registerPretix(hub, pretix);
  await neighbours.register(hub);
  await makeTraffic(pretix, plan, async (done) => {
    neighbours.step();
    if (done % 40 === 0) simulator.misbehave(done % 80 === 0 ? 'none' : 'status-500', askedByTheHub);
  });
  simulator.misbehave('none');
  neighbours.mendAll();
  await expectEqualNumbers(hub, neighbours, settleMs);
  await expectEqualPretix(hub, database.url, pretix, plan, settleMs);
  expect(neighbours.failures()).toBeGreaterThan(5);
});

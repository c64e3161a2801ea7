/**
 * The hub against a real pretix: people buy, come, leave and cancel through pretix's own API in a random order while
 * the hub polls and takes webhooks. At the end every number of the hub equals pretix's own: nothing lost, nothing
 * doubled; and so for 19 simulated services of other kinds beside it.
 */
import { expect, test } from 'vitest';
import { makeTraffic } from '#scripts/pretix/traffic.ts';
import { startHubProcess } from './hub-process.ts';
import { expectEqualNumbers, startNeighbours } from './neighbours/index.ts';
import { plan, settleMs, startAll, testMs } from './pretix-and-hub.ts';
import { expectEqualPretix, registerPretix } from './pretix-numbers.ts';

test('every number of the hub is the one that pretix has, and so for 19 services beside it, some of which fail at any time', { timeout: testMs }, async () => {
  await using all = await startAll();
  await using neighbours = await startNeighbours('beside pretix');
  await using hub = await startHubProcess(all.env);
  await registerPretix(hub, all.pretix);
  await neighbours.register(hub);
  await makeTraffic(all.pretix, plan, async (done) => (done % 2 === 0 ? neighbours.step() : undefined));
  neighbours.mendAll();
  await expectEqualPretix(hub, all.databaseUrl, all.pretix, plan, settleMs);
  await expectEqualNumbers(hub, neighbours, settleMs);
  expect(neighbours.failures()).toBeGreaterThan(5);
});

/** The hub against a real pretix, as in pretix-equality.e2e.ts, with the hub killed and pretix gone meanwhile. */
import { test } from 'vitest';
import { makeTraffic } from '#scripts/pretix/traffic.ts';
import { type HubProcess, ask, askUntil, startHubProcess } from './hub-process.ts';
import { plan as whole, settleMs, startAll, testMs } from './pretix-and-hub.ts';
import { expectEqualPretix, registerPretix } from './pretix-numbers.ts';

/** A quarter of what people do there: it runs beside it, and what is looked for are the moments of the kills. */
const plan = { ...whole, seed: 'equality through crashes', orders: whole.orders / 4, checkIns: whole.checkIns / 4, exits: whole.exits / 5, cancellations: whole.cancellations / 4, others: whole.others / 5 };

test('every number of the hub is the one that pretix has also when the hub is killed three times and pretix is gone for a minute', { timeout: testMs }, async () => {
  await using all = await startAll();
  let hub = await startHubProcess(all.env);
  await registerPretix(hub, all.pretix);
  const quarter = Math.floor((plan.orders + plan.checkIns + plan.exits + plan.cancellations) / 4);
  await makeTraffic(all.pretix, plan, async (done) => {
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

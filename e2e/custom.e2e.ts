/**
 * A service that the hub knows nothing of, taken in by a declared mapping through the public API alone: previewed,
 * registered, told where to push, and live.
 */
import { expect, test } from 'vitest';
import { createCustomSimulator } from '#simulators/custom/index.ts';
import { everything } from '#subgraphs/custom/test-connector.ts';
import { ask, askUntil, makeDataDir, plainHub, startHubProcess } from './hub-process.ts';

const mutation = (name: string, fields: string) => `mutation ($input: RegisterEventServiceInput!) { ${name}(input: $input) { ${fields} userErrors { code field message } } }`;
const shown = `{ event(id: "fair") { __typename name attendance { totalRegistered currentAttendees } checkIns { totalCount } ... on CustomEvent { attributes } } }`;
type Shown = { event: { attendance: { currentAttendees: number }; checkIns: { totalCount: number } } | null };

test('a declared service is previewed, registered and live, by OAuth and signed pushes', async () => {
  await using folder = await makeDataDir();
  await using desk = await createCustomSimulator({ authentication: { kind: 'oauth2', clientId: 'hub', clientSecret: 'secret', method: 'basic', lifetime: 600 }, signing: { kind: 'hmac', header: 'X-Desk-Signature', algorithm: 'sha256', encoding: 'hex', prefix: '', timestampHeader: 'X-Desk-Time' } });
  desk.world.addHappening({ ref: 'fair' });
  const passes = Array.from({ length: 30 }, (_, n) => desk.world.sell('fair', `holder-${n}`));
  const come = () => desk.world.scan(passes[desk.world.scans.length] as never);
  for (let count = 0; count < 12; count++) come();
  await using hub = await startHubProcess(await plainHub(folder.path));

  const [happenings, sold, scans, doors] = everything('cursor', 7);
  const attributes = { ...happenings, name: 'halls', mapping: '{"kind": "record", "eventId": $record[0], "attributes": {"hall": $record[5]}}' };
  // Who is scanned is who holds a pass: both are named by its number.
  const named = { ...sold, mapping: '{"kind": "registration", "eventId": ref, "upstreamId": no, "at": changed}' };
  const webhook = { verify: { by: 'hmac', header: 'X-Desk-Signature', timestampHeader: 'X-Desk-Time' }, items: 'answer.scans', mapping: scans?.mapping, subscribe: { path: 'hooks', body: '{"target": $webhook.url, "key": $webhook.secret}' } };
  const input = {
    product: 'custom', serviceName: 'Venue desk', endpoints: { api: desk.url }, syncSettings: { interval: 3600 }, settings: { resources: [happenings, attributes, named, scans, doors], webhook },
    authentication: { type: 'OAUTH2', credentials: { clientId: 'hub', clientSecret: 'secret', tokenUrl: desk.url.replace('/v0', '/token') } },
  };
  const preview = await ask<{ previewEventService: { factCount: number; rejected: unknown[]; userErrors: unknown[] } }>(hub.url, hub.adminKey, mutation('previewEventService', 'factCount rejected { reason }'), { input });
  expect(preview.data.previewEventService).toEqual({ factCount: 18, rejected: [], userErrors: [] });
  expect((await ask<Shown>(hub.url, hub.adminKey, shown)).data.event).toBeNull();

  const registered = await ask<{ registerEventService: { userErrors: unknown[] } }>(hub.url, hub.adminKey, mutation('registerEventService', 'service { id }'), { input });
  expect(registered.data.registerEventService.userErrors).toEqual([]);
  expect((await ask<Shown>(hub.url, hub.adminKey, shown)).data.event).toEqual({ __typename: 'CustomEvent', name: 'The fair', attendance: { totalRegistered: 30, currentAttendees: 12 }, checkIns: { totalCount: 12 }, attributes: { hall: 'Old hall' } });
  expect(desk.hooks).toHaveLength(1);
  for (let count = 0; count < 10; count++) {
    come();
    expect(await desk.pushLastScan()).toEqual([200]);
    // The same push again, as services send it when an answer is late.
    expect(await desk.pushLastScan()).toEqual([200]);
  }
  const { event } = await askUntil(async () => (await ask<Shown>(hub.url, hub.adminKey, shown)).data, (data) => data.event?.checkIns.totalCount === 22);
  expect(event?.attendance.currentAttendees).toBe(22);
});

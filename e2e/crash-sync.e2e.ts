import { expect, test } from 'vitest';
import { cloneDatabase } from '#core/testing.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { ask, askUntil, makeDataDir, plainHub, registerGates, startHubProcess } from './hub-process.ts';

const people = 40_000;
const count = `{ event(id: "marathon") { attendance { currentAttendees totalRegistered } checkIns { totalCount } } }`;
type Counted = { event: { attendance: { currentAttendees: number; totalRegistered: number }; checkIns: { totalCount: number } } };
const sync = `query ($id: ID!) { eventService(id: $id) { lastSync { started finished error { code } } rejected { totalCount } } }`;
type Synced = { eventService: { lastSync: { started: string; finished: string | null; error: { code: string } | null } | null; rejected: { totalCount: number } } };

test('kill -9 at any moment of a sync, the first or one of everything anew, loses nothing and doubles nothing', async () => {
  const now = Date.now();
  const details = { eventId: 'marathon', eventName: 'Marathon', type: 'sport', organizer: { organization: 'O', contact: 'o@example.org' }, period: { start: now - 3_600_000, end: now + 36_000_000 }, timezone: 'UTC', region: 'x', venue: null, public: true, registered: people, gates: [{ id: 'g', name: 'G' }], changes: [] };
  await using gates = await createGatekeeperSimulator({ plans: [details], apiKey: 'key' });
  const gate = gates.event('marathon');
  for (let n = 0; n < people; n++) gate.pass({ badgeId: `b${n}`, gateId: 'g' });
  await using folder = await makeDataDir();
  await using database = await cloneDatabase();
  const env = { ...(await plainHub(folder.path)), DATABASE_URL: database.url };
  let hub = await startHubProcess(env);
  const { service, userErrors } = await registerGates(hub, gates, 'marathon');
  expect(userErrors).toEqual([]);
  const id = service?.id ?? '';
  const counted = () => ask<Counted>(hub.url, hub.adminKey, count).then(({ data }) => data.event);

  // The registration brought the first half; the rest comes page by page, while the hub is killed again and again.
  for (const reached of [20_000 + (now % 3_000), 26_000 + (now % 2_000), 33_000 + (now % 5_000)]) {
    await askUntil(counted, ({ checkIns }) => checkIns.totalCount >= reached, 120_000);
    await hub.stop('SIGKILL');
    hub = await startHubProcess(env);
    const { attendance, checkIns } = await counted();
    expect(attendance.currentAttendees).toBe(checkIns.totalCount);
    expect(checkIns.totalCount).toBeGreaterThanOrEqual(reached);
  }
  const all = { attendance: { currentAttendees: people, totalRegistered: people }, checkIns: { totalCount: people } };
  expect(await askUntil(counted, ({ checkIns }) => checkIns.totalCount >= people, 120_000)).toEqual(all);

  const synced = () => ask<Synced>(hub.url, hub.adminKey, sync, { id }).then(({ data }) => data.eventService);
  const asked = new Date().toISOString();
  const { data } = await ask<{ syncNow: { userErrors: unknown[] } }>(hub.url, hub.adminKey, `mutation ($input: SyncNowInput!) { syncNow(input: $input) { userErrors { code } } }`, { input: { serviceId: id, full: true } });
  expect(data.syncNow.userErrors).toEqual([]);
  await askUntil(synced, ({ lastSync }) => lastSync !== null && lastSync.started > asked, 120_000);
  await hub.stop('SIGKILL');
  hub = await startHubProcess(env);
  const restarted = new Date().toISOString();
  const last = await askUntil(synced, ({ lastSync }) => lastSync !== null && lastSync.started > restarted && lastSync.finished !== null, 120_000);
  expect(last).toMatchObject({ lastSync: { error: null }, rejected: { totalCount: 0 } });
  expect(await counted()).toEqual(all);
  await hub.stop('SIGTERM');
}, 900_000);

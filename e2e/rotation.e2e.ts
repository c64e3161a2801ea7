/**
 * Secrets and credentials are changed while people pass the gates, and the hub is killed with -9 in the middle of it.
 * Of the event `pushed` the hub learns by pushes alone; of the event `asked` by pushes and pulls, which must not double.
 */
import pg from 'pg';
import { expect, test } from 'vitest';
import { cloneDatabase } from '#core/testing.ts';
import { type GatekeeperSimulator, createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import type { EventPlan } from '#simulators/gatekeeper/plan.ts';
import { type HubProcess, ask, askUntil, makeDataDir, plainHub, registerGates, startHubProcess } from './hub-process.ts';
import { type Moment, type UpstreamDoor, openUpstreamDoor } from './upstream-door.ts';

const eventIds = ['pushed', 'asked'] as const;
type EventId = (typeof eventIds)[number];

const planOf = (eventId: string): EventPlan => {
  const now = Date.now();
  return {
    eventId, eventName: eventId, type: 'conference', organizer: { organization: 'Acme', contact: 'acme@example.org' }, period: { start: now - 3_600_000, end: now + 36_000_000 },
    timezone: 'UTC', region: 'eu', venue: null, public: true, registered: 100_000, gates: [{ id: 'north', name: 'North' }], changes: [],
  };
};

type Answered = { userErrors: { code: string }[] };

/** A hub that is killed and started again, with its services, and the database below it to look at. */
const openStage = async () => {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await makeDataDir());
  const database = stack.use(await cloneDatabase());
  const gates = stack.use(await createGatekeeperSimulator({ plans: eventIds.map(planOf), retry: { firstMs: 5, longestMs: 50, attempts: 100_000 } }));
  const door = stack.use(await openUpstreamDoor(gates, ['pushed']));
  const rows = stack.adopt(new pg.Pool({ connectionString: database.url, max: 1 }), (pool) => pool.end());
  const env = { ...(await plainHub(folder.path)), DATABASE_URL: database.url };
  let hub: HubProcess = await startHubProcess(env);
  stack.defer(async () => void (await hub.stop('SIGTERM')));
  door.keys.add('first key');
  const ids: Record<string, string> = {};
  for (const eventId of eventIds) ids[eventId] = (await registerGates(hub, { endpoint: (id) => door.endpoint(id), apiKey: 'first key' }, eventId, 86_400)).service?.id ?? '';

  const administer = async (mutation: string, type: string, eventId: EventId, more: object = {}): Promise<Answered> => {
    const { data, errors } = await ask<Record<string, Answered>>(hub.url, hub.adminKey, `mutation ($input: ${type}!) { ${mutation}(input: $input) { userErrors { code field message } } }`, { input: { serviceId: ids[eventId], ...more } });
    expect(errors).toBeUndefined();
    return data[mutation] as Answered;
  };
  return {
    gates, door, ids,
    rotate: (eventId: EventId) => administer('rotatePushSecret', 'EventServiceInput', eventId),
    signIn: (eventId: EventId, apiKey: string) => administer('updateEventService', 'UpdateEventServiceInput', eventId, { authentication: { type: 'API_KEY', credentials: { apiKey } } }),
    move: (eventId: EventId, entrance: string) => administer('updateEventService', 'UpdateEventServiceInput', eventId, { endpoints: { api: door.endpoint(eventId, entrance) } }),
    numbers: async () => {
      const { data } = await ask<Record<EventId, { checkIns: { totalCount: number }; attendance: { currentAttendees: number } }>>(hub.url, hub.adminKey, `{ ${eventIds.map((id) => `${id}: event(id: "${id}") { checkIns { totalCount } attendance { currentAttendees } }`).join(' ')} }`);
      return eventIds.map((id) => [id, data[id].checkIns.totalCount, data[id].attendance.currentAttendees]);
    },
    /** Does all of these at once, kills the hub when each has come to its step, and starts it again. */
    async killedAt(steps: readonly { readonly act: () => Promise<unknown>; readonly reached: Promise<void> }[]): Promise<void> {
      const acts = steps.map(({ act }) => act().catch(() => 'nobody answered'));
      await Promise.all(steps.map(({ reached }) => reached));
      await hub.stop('SIGKILL');
      await Promise.all(acts);
      hub = await startHubProcess(env);
    },
    /** What the hub does by itself after a minute or two, now. Resolves when nothing is left to do. */
    async recovers(): Promise<void> {
      await rows.query(`update graphile_worker._private_jobs set run_at = now() where key like 'rotate:%' or key like 'restore:%'`);
      await askUntil(async () => (await rows.query<{ n: number }>(`select (select count(*) from hub.services where next_push_secret is not null)::int + (select count(*) from graphile_worker._private_jobs where key like 'restore:%')::int as n`)).rows[0]?.n, (left) => left === 0);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/** Whenever a push was answered, or nobody was there to take it, somebody else passes. Answers how to close the gates. */
const letPeoplePass = (gates: GatekeeperSimulator, door: UpstreamDoor): (() => void) => {
  let people = 0;
  const pass = (eventId: string): string => gates.event(eventId).pass({ badgeId: `badge-${(people += 1)}` });
  door.onPush = pass;
  eventIds.forEach(pass);
  return () => (door.onPush = () => undefined);
};

test('secrets for pushes and credentials change, the hub killed at any step of it: no push is refused, no fact is lost, none counted twice', { timeout: 600_000 }, async () => {
  await using stage = await openStage();
  const { gates, door, rotate, signIn, move } = stage;
  const at = (moment: Moment, eventId: EventId, isMeant: RegExp, key = door.keys) => door.catchNext(moment, (call) => call.path.includes(`/${eventId}/`) && isMeant.test(call.path) && key.has(call.key));
  const closeGates = letPeoplePass(gates, door);
  const done = { userErrors: [] };
  for (const eventId of [...eventIds, ...eventIds]) expect(await rotate(eventId)).toEqual(done);

  // The new secret is stored: of one the upstream was not told yet, of the other it was and nobody heard the answer.
  await stage.killedAt([{ act: () => rotate('pushed'), reached: at('told', 'pushed', /exchange/) }, { act: () => rotate('asked'), reached: at('asked', 'asked', /exchange/) }]);
  await stage.recovers();

  // New credentials: of one they are tried and not stored yet, of the other they are stored and in use.
  door.keys.add('second key');
  const second = new Set(['second key']);
  await stage.killedAt([{ act: () => signIn('pushed', 'second key'), reached: at('asked', 'pushed', /realtime$/, second) }, { act: () => signIn('asked', 'second key'), reached: at('asked', 'asked', /since=/, second) }]);
  expect(await signIn('pushed', 'second key')).toEqual(done);
  door.keys.delete('first key');
  for (const eventId of eventIds) expect(await rotate(eventId)).toEqual(done);

  // Another address: the upstream was told a secret of its own, and nothing is stored. Of the other, just any moment.
  await stage.killedAt([{ act: () => move('pushed', 'back'), reached: at('told', 'pushed', /back.*exchange/) }, { act: () => rotate('asked'), reached: at('answered', 'asked', /exchange/) }]);
  await stage.recovers();
  expect(await move('pushed', 'back')).toEqual(done);

  closeGates();
  await Promise.all(eventIds.map((id) => gates.event(id).pusher.settled()));
  const truth = eventIds.map((id) => [id, gates.event(id).system.sequence, gates.event(id).system.current]);
  expect(await askUntil(stage.numbers, (numbers) => JSON.stringify(numbers) === JSON.stringify(truth))).toEqual(truth);
  // Those that nobody was there to take, or that came just when the service was changed, were tried again. None was refused.
  expect([...door.pushed.keys()].filter((status) => ![0, 503].includes(status))).toEqual([200]);
  for (const id of eventIds) expect(gates.event(id).pusher.counts()).toMatchObject({ givenUp: 0 });
  expect(door.pushed.get(0)).toBeGreaterThan(10);
});

/**
 * The hub's own ingestion over a simulated Eventbrite: whatever happens there, in whatever order it is asked, however
 * late and out of order reads show it, and whatever fails meanwhile, once it is quiet the hub's numbers are Eventbrite's.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { applyBatch } from '#ingest/apply.ts';
import { pullService } from '#ingest/pull.ts';
import { type TestIngest, openTestIngest, totalsOf } from '#ingest/test-kit.ts';
import type { BadDay } from '#simulators/eventbrite/bad-days.ts';
import { expectedCounts } from '#simulators/eventbrite/expected-counts.ts';
import { createEventbriteSimulator } from '#simulators/eventbrite/index.ts';
import { contractPlan } from '#simulators/eventbrite/plans.ts';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { clientOf } from './connector-settings.ts';
import { connector } from './connector.ts';
import { subgraph } from './index.ts';

let own: TestIngest;
beforeAll(async () => {
  own = await openTestIngest({ more: [subgraph] });
});
afterAll(() => own[Symbol.asyncDispose]());

const minute = 60_000;
const begin = Date.UTC(2024, 5, 1, 9);
const signal = new AbortController().signal;
let runs = 0;
const runsAsked = Math.max(1, Number(process.env['PROPERTY_RUNS'] ?? 1));

const place = fc.nat(1_000);
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('register' as const), event: fc.nat(1), tickets: fc.integer({ min: 1, max: 3 }), barcodes: fc.integer({ min: 1, max: 2 }), unpaid: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('checkIn' as const, 'undoCheckIn' as const), place, barcode: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'refund' as const, 'transfer' as const, 'pay' as const), place }) },
);
const asking = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pull' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('killed' as const), batches: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fails' as const), day: fc.constantFrom<BadDay>('status-500', 'html', 'half-json', 'wrong-shape', 'endless-pages'), path: fc.constantFrom('attendees', 'events/\\d+', 'ticket_classes', 'organizations/\\d+/events') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('forgetPages' as const, 'lost' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pageSize' as const), rows: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('time' as const), seconds: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 90, max: 900 })) }) },
);
type Step = typeof happening extends fc.Arbitrary<infer H> ? H | (typeof asking extends fc.Arbitrary<infer A> ? A : never) : never;

/** An organization with events of its own, registered with the hub. */
const open = async (longestLagMs: number) => {
  const run = String((runs += 1));
  const clock = createManualClock(begin);
  const tell = () => (own.clock.now = new Date(clock.now()));
  tell();
  const plan = (now: Date) => ({ ...contractPlan(now), events: contractPlan(now).events.map((event) => ({ ...event, id: `${event.id}${run}` })) });
  const eventbrite = await createEventbriteSimulator({ plan, clock, seed: run, lag: { longestMs: longestLagMs }, callsPerHour: null, pageSize: 3, webhookRetryMs: [] });
  const api = `${eventbrite.url}/v3`;
  const registered = await own.ingest.register({ product: 'eventbrite', serviceName: run, endpoints: { api, webhook: null, healthCheck: api }, credentials: { type: 'api_key', apiKey: eventbrite.token }, syncInterval: 60, retries: 0, dataSchema: null, settings: { organizationId: eventbrite.organizationId, webhooks: false, callsPerHour: 1_000_000 }, eventAccess: null, by: null });
  if (!registered.ok) throw new Error(`${registered.step}: ${registered.message}`);
  const { serviceId } = registered;
  const context = async () => {
    const service = await own.hub.database.em().findOneOrFail(Service, { id: serviceId });
    return { ...own.ingest.contextFor(service, signal), cursor: service.cursor };
  };
  return {
    eventbrite, serviceId,
    advance: (ms: number) => (clock.advance(ms), tell()),
    pull: () => pullService(own.ingest, serviceId, signal),
    /** As killed after so many batches were stored. */
    async killed(batches: number) {
      const { cursor, ...its } = await context();
      let stored = 0;
      for await (const batch of connector.pull(its as Parameters<typeof connector.pull>[0], cursor)) {
        if (stored++ === batches) return;
        await applyBatch(own.ingest, { serviceId, facts: batch.facts, rejected: batch.rejected, cursor: batch.cursor });
      }
    },
    /** An honest answer in between, so that the circuit stays closed. */
    ask: async () => clientOf((await context()) as unknown as Parameters<typeof clientOf>[0]).me(),
    [Symbol.asyncDispose]: async () => void (await own.ingest.forget(serviceId), await eventbrite[Symbol.asyncDispose]()),
  };
};

type Opened = Awaited<ReturnType<typeof open>>;

const play = async (it: Opened, step: Step): Promise<void> => {
  const { world } = it.eventbrite;
  const events = world.organization.events.map(({ id }) => id);
  const some = (at: number) => world.truth()[at % Math.max(1, world.truth().length)]?.id;
  // Eventbrite stamps to the second: some things happen within one.
  it.advance(300);
  switch (step.kind) {
    case 'register':
      world.register(events[step.event] ?? '', step);
      return;
    case 'checkIn':
    case 'undoCheckIn': {
      const id = some(step.place);
      if (id !== undefined) world[step.kind](id, step.barcode);
      return;
    }
    case 'cancel':
    case 'refund':
    case 'pay': {
      const id = some(step.place);
      if (id !== undefined) world[step.kind](id);
      return;
    }
    case 'transfer': {
      const id = some(step.place);
      if (id !== undefined) world.transfer(id, events[step.place % 2] ?? '');
      return;
    }
    case 'pull':
      return it.pull();
    case 'killed':
      return it.killed(step.batches);
    case 'fails':
      it.eventbrite.misbehave(step.day, new RegExp(step.path));
      await it.pull();
      it.eventbrite.misbehave('none');
      return void (await it.ask());
    case 'forgetPages':
      return it.eventbrite.forgetPages();
    case 'lost':
      // Connections, and what is kept with them in memory, are gone: the process is another.
      return own.ingest.forget(it.serviceId);
    case 'pageSize':
      return it.eventbrite.setPageSize(step.rows);
    case 'time':
      return void it.advance(step.seconds * 1_000);
  }
};

/** Lags are at most five minutes; after that a sweep shows everything. */
const quiet = async (it: Opened): Promise<void> => {
  for (let times = 0; times < 3; times++) {
    it.advance(6 * minute);
    await it.pull();
  }
};

const check = async (it: Opened): Promise<void> => {
  const truth = it.eventbrite.world.truth();
  for (const { id } of it.eventbrite.world.organization.events) {
    const { registered, current } = expectedCounts(truth, id);
    expect(await totalsOf(own, `eventbrite-${id}`) ?? { registered: 0, current: 0 }).toEqual({ registered, current });
    // Every check-in that stands is there once. Whether who was refunded had come, Eventbrite does not tell.
    const rows = await query<{ participant: string }>(own.hub.database.em(), 'select participant from attendance.check_ins where event_id = $1', [`eventbrite-${id}`]);
    const hashOf = (attendee: string) => own.hub.secrets.hashParticipant(it.serviceId, `attendee:${attendee}`);
    const refunded = new Set(truth.filter(({ barcodes }) => barcodes.some(({ status }) => status === 'refunded')).map((each) => hashOf(each.id)));
    const came = truth.filter(({ eventId, barcodes }) => eventId === id && barcodes.some(({ status }) => status === 'used')).map((each) => hashOf(each.id));
    expect(rows.map(({ participant }) => participant).filter((each) => !refunded.has(each)).sort()).toEqual(came.sort());
    expect(new Set(rows.map(({ participant }) => participant)).size).toBe(rows.length);
  }
};

const undoing = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('checkIn' as const, 'undoCheckIn' as const), place: fc.nat(1), barcode: fc.constant(0) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pull' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), seconds: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 120 })) }) },
);

test('however often somebody is checked in and it is taken back, and however old a read is, who is in is counted once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(undoing, { maxLength: 60 }), fc.constantFrom(2_000, 5 * minute), async (steps, lag) => {
      await using it = await open(lag);
      it.eventbrite.world.register(it.eventbrite.world.organization.events[0]?.id ?? '', { tickets: 2 });
      for (const step of steps) await play(it, step);
      await quiet(it);
      await check(it);
    }),
    { numRuns: 10 * runsAsked },
  );
}, 300_000 * runsAsked);

test('once it is quiet, the hub counts what Eventbrite counts, and nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(happening, asking), { maxLength: 60 }), fc.constantFrom(0, 15_000, 300_000), async (steps, lag) => {
      await using it = await open(lag);
      for (const step of steps) await play(it, step);
      await quiet(it);
      await check(it);
      expect((await own.hub.database.em().findOneOrFail(Service, { id: it.serviceId })).lastError).toBeNull();
    }),
    { numRuns: 15 * runsAsked },
  );
}, 300_000 * runsAsked);

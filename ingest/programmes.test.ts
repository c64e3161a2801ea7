/** Registering programmes, through the real registration. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UpstreamError } from '#core/errors.ts';
import { query } from '#core/sql.ts';
import { asker, viewerOf } from '#core/testing-hub.ts';
import type { Viewer } from '#core/viewer.ts';
import { subgraph } from '#subgraphs/events/index.ts';
import type { RegisterProgrammeInput } from '#subgraphs/events/generated/types.ts';
import { registerProgramme } from '#subgraphs/events/programmes-register.ts';
import { applyBatch } from './apply.ts';
import { handleTask } from './handlers.ts';
import { type TestIngest, event, openTestIngest } from './test-kit.ts';

let own: TestIngest;
/** Events whose services answered their health check, in order. */
let called: string[];
let down: ReadonlySet<string>;
beforeEach(async () => {
  own = await openTestIngest({ on: { 'programme.event_added': async () => undefined } });
  called = [];
  down = new Set();
  own.upstream.checkHealth = async ({ service }) => {
    const { eventId } = service.settings as { eventId: string };
    called.push(eventId);
    if (down.has(eventId)) throw new UpstreamError('status', 'The upstream answered 500.', { status: 500 });
  };
  own.upstream.pull = async function* ({ service }) {
    const { eventId } = service.settings as { eventId: string };
    yield { facts: [event({ eventId, upstreamId: eventId, timezone: 'Asia/Seoul', region: 'what the service says' })], rejected: [], cursor: 1 };
  };
});
afterEach(() => own[Symbol.asyncDispose]());

type Entry = { eventId: string; timezone?: string; [more: string]: unknown };
type Outcome = { region: string; eventId: string; event: { id: string; region: { name: string } } | null; service: { id: string } | null; userErrors: { code: string; field: string }[] };
type Payload = { programme: { id: string; name: string; regions: { name: string; events: { edges: { node: { id: string } }[] } }[] } | null; events: Outcome[]; userErrors: { code: string; field: string }[] };

const manager = viewerOf(['manage_services', 'read_events']);
const entry = ({ eventId, ...more }: Entry) => ({ eventId, serviceEndpoint: `http://127.0.0.1:9/${eventId}`, timezone: 'Asia/Seoul', product: 'fake', ...more });
const given = (regions: Record<string, readonly Entry[]>, globalEvent = 'Summit') => ({ globalEvent, regions: Object.entries(regions).map(([region, events]) => ({ region, events: events.map(entry) })) });
const hub = () => ({ ...own.hub, ingest: own.ingest });
const send = async (input: object, viewer: Viewer = manager): Promise<Payload> => {
  const source = `mutation ($input: RegisterProgrammeInput!) { registerProgramme(input: $input) { programme { id name regions { name events(first: 100) { edges { node { id } } } } }
    events { region eventId event { id region { name } } service { id } userErrors { code field } } userErrors { code field } } }`;
  const { data, errors } = await asker(subgraph, hub())<{ registerProgramme: Payload }>(source, viewer, { input });
  expect(errors).toEqual([]);
  return data.registerProgramme;
};
const membersOf = ({ programme }: Payload) => Object.fromEntries((programme?.regions ?? []).map(({ name, events }) => [name, events.edges.map(({ node }) => node.id).sort()]));
const codesOf = ({ events }: Payload) => events.map(({ eventId, userErrors }) => [eventId, ...userErrors.map(({ code, field }) => `${code} ${field}`)]);
const regionOf = async (id: string) => (await query<{ region: string }>(own.hub.database.em(), 'select region from events.events where id = $1', [id]))[0]?.region;

describe('a programme', () => {
  test('is registered in one call, and each event is told by itself', async () => {
    down = new Set(['berlin']);
    const payload = await send(given({ 'asia-pacific': [{ eventId: 'seoul' }, { eventId: 'tokyo', timezone: 'Mars/Base' }], europe: [{ eventId: 'berlin' }, { eventId: 'seoul' }, { eventId: 'paris', product: 'unknown' }, { eventId: 'rome' }] }));
    expect(payload.events.map(({ region, eventId, event: found, service }) => [region, eventId, found?.id ?? null, service !== null])).toEqual([
      ['asia-pacific', 'seoul', 'seoul', true], ['asia-pacific', 'tokyo', null, false], ['europe', 'berlin', null, false], ['europe', 'seoul', null, false], ['europe', 'paris', null, false], ['europe', 'rome', 'rome', true],
    ]);
    expect(codesOf(payload)).toEqual([
      ['seoul'], ['tokyo', 'TIMEZONE_INVALID input.regions.0.events.1.timezone'], ['berlin', 'UPSTREAM_STATUS input.regions.1.events.0.serviceEndpoint'], ['seoul', 'EVENT_ID_REPEATED input.regions.1.events.1.eventId'],
      ['paris', 'PRODUCT_UNKNOWN input.regions.1.events.2.product'], ['rome'],
    ]);
    expect([payload.programme?.name, membersOf(payload), payload.userErrors]).toEqual(['Summit', { 'asia-pacific': ['seoul'], europe: ['rome'] }, []]);
    expect(await own.count('hub.services')).toBe(2);
  });

  test('of which no event could be registered is none', async () => {
    down = new Set(['seoul']);
    expect((await send(given({ asia: [{ eventId: 'seoul' }] }))).programme).toBeNull();
    expect(await own.count('events.programmes')).toBe(0);
  });

  test('registered again has what was missing, and what is there is left and not called', async () => {
    down = new Set(['berlin']);
    const regions = { asia: [{ eventId: 'seoul' }], europe: [{ eventId: 'berlin' }] };
    const first = await send(given(regions));
    down = new Set();
    called = [];
    const again = await send(given(regions, ' Summit '));
    expect([called, codesOf(again), membersOf(again)]).toEqual([['berlin'], [['seoul'], ['berlin']], { asia: ['seoul'], europe: ['berlin'] }]);
    expect([again.programme?.id, again.events[0]?.service]).toEqual([first.programme?.id, first.events[0]?.service]);
    called = [];
    expect([codesOf(await send(given(regions))), called]).toEqual([[['seoul'], ['berlin']], []]);
  });

  test('takes in an event that was registered before at the same endpoint, and none of another one', async () => {
    await send(given({ x: [{ eventId: 'seoul' }] }, 'Other'));
    await query(own.hub.database.em(), 'update events.events set programme_id = null');
    const elsewhere = await send(given({ asia: [{ eventId: 'seoul', serviceEndpoint: 'http://127.0.0.1:9/elsewhere' }] }));
    expect([codesOf(elsewhere), elsewhere.programme]).toEqual([[['seoul', 'EVENT_ID_TAKEN input.regions.0.events.0.eventId']], null]);
    const same = await send(given({ asia: [{ eventId: 'seoul' }] }));
    expect([codesOf(same), membersOf(same), await own.count('hub.services')]).toEqual([[['seoul']], { asia: ['seoul'] }, 1]);
  });

  test('does not take an event from another programme', async () => {
    await send(given({ asia: [{ eventId: 'seoul' }] }));
    const other = await send(given({ asia: [{ eventId: 'seoul' }] }, 'Other'));
    expect([codesOf(other), other.events[0]?.service, other.programme]).toEqual([[['seoul', 'EVENT_IN_OTHER_PROGRAMME input.regions.0.events.0.eventId']], null, null]);
  });

  test('given otherwise than it is says in what it differs', async () => {
    await send(given({ asia: [{ eventId: 'seoul' }] }));
    const told = await send(given({ europe: [{ eventId: 'seoul', serviceEndpoint: 'http://127.0.0.1:9/moved', timezone: 'Europe/Berlin' }] }));
    expect(codesOf(told)).toEqual([['seoul', 'ENDPOINT_MISMATCH input.regions.0.events.0.serviceEndpoint', 'REGION_MISMATCH input.regions.0.events.0.eventId', 'TIMEZONE_MISMATCH input.regions.0.events.0.timezone']]);
    expect([told.events[0]?.service !== null, membersOf(told)]).toEqual([true, { asia: ['seoul'] }]);
  });

  test('whose service says another time zone tells it; another name of the same zone is none', async () => {
    own.upstream.pull = async function* ({ service }) {
      const { eventId } = service.settings as { eventId: string };
      yield { facts: [event({ eventId, upstreamId: eventId, timezone: 'Asia/Kolkata' })], rejected: [], cursor: 1 };
    };
    expect(codesOf(await send(given({ asia: [{ eventId: 'delhi', timezone: 'Asia/Calcutta' }, { eventId: 'seoul' }] })))).toEqual([['delhi'], ['seoul', 'TIMEZONE_MISMATCH input.regions.0.events.1.timezone']]);
  });

  test('of events of one service registers the service once', async () => {
    own.upstream.pull = async function* () {
      yield { facts: ['a', 'b', 'c'].map((eventId) => event({ eventId, upstreamId: eventId })), rejected: [], cursor: 1 };
    };
    const serviceEndpoint = 'http://127.0.0.1:9/all';
    const payload = await send(given({ one: [{ eventId: 'a', serviceEndpoint }, { eventId: 'b', serviceEndpoint }], two: [{ eventId: 'c', serviceEndpoint: `${serviceEndpoint}/` }, { eventId: 'unknown', serviceEndpoint }] }));
    expect([codesOf(payload), membersOf(payload), await own.count('hub.services')]).toEqual([[['a'], ['b'], ['c'], ['unknown', 'EVENT_ID_TAKEN input.regions.1.events.1.eventId']], { one: ['a', 'b'], two: ['c'] }, 1]);
  });

  test('whose service has not told of the event says so', async () => {
    own.upstream.pull = async function* () {
      yield { facts: [], rejected: [], cursor: 1 };
    };
    const payload = await send(given({ asia: [{ eventId: 'seoul' }] }));
    expect([codesOf(payload), payload.events[0]?.event, payload.events[0]?.service !== null]).toEqual([[['seoul', 'EVENT_NOT_TOLD input.regions.0.events.0.eventId']], null, true]);
  });

  test('is not registered for events outside the list of the key', async () => {
    const payload = await send(given({ asia: [{ eventId: 'mine' }, { eventId: 'theirs' }] }), viewerOf(['manage_services', 'read_events'], ['mine']));
    expect([codesOf(payload), membersOf(payload), called]).toEqual([[['mine'], ['theirs', 'EVENT_NOT_ALLOWED input.regions.0.events.1.eventId']], { asia: ['mine'] }, ['mine']]);
  });

  test('is told as one domain event for each event that it gains, and to whoever handles it', async () => {
    const { programme } = await send(given({ asia: [{ eventId: 'seoul' }] }));
    await send(given({ asia: [{ eventId: 'seoul' }] }));
    expect(await query(own.hub.database.em(), `select event_id, payload from hub.domain_events where type = 'programme.event_added'`)).toEqual([{ event_id: 'seoul', payload: { programmeId: programme?.id, name: 'Summit', region: 'asia', by: 'key_test' } }]);
    const jobs = await query<{ payload: { subgraph: string; events: unknown[] } }>(own.hub.database.em(), `select j.payload from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = $1`, [handleTask]);
    expect(jobs.map(({ payload }) => [payload.subgraph, payload.events.length])).toEqual([['fake', 1]]);
  });
});

test("an event's region is its programme's, or else its service's word, or else what was registered", async () => {
  await send(given({ asia: [{ eventId: 'seoul' }] }));
  expect(await regionOf('seoul')).toBe('asia');
  const serviceId = (await query<{ id: string }>(own.hub.database.em(), 'select id from hub.services'))[0]?.id ?? '';
  const tell = (eventId: string, name: string, region: string | null) => applyBatch(own.ingest, { serviceId, facts: [event({ eventId, upstreamId: eventId, name, region, at: own.clock.now })], rejected: [] });
  await tell('seoul', 'Renamed', 'elsewhere');
  expect(await regionOf('seoul')).toBe('asia');
  await tell('busan', 'Busan', 'korea');
  expect(await regionOf('busan')).toBe('korea');
  await tell('busan', 'Busan again', null);
  expect(await regionOf('busan')).toBe('asia');
});

describe('as a whole', () => {
  test('a programme without a name, without or with too many events or regions is refused before anybody is called', async () => {
    const events = (count: number) => Array.from({ length: count }, (_, n) => ({ eventId: `e${n}` }));
    const cases: readonly (readonly [object, string, string])[] = [
      [given({ asia: events(1) }, ' '), 'NAME_INVALID', 'input.globalEvent'],
      [given({ ' ': events(1) }), 'NAME_INVALID', 'input.regions.0.region'],
      [given({ asia: [] }), 'PROGRAMME_EMPTY', 'input.regions'],
      [given({ asia: events(501) }), 'PROGRAMME_TOO_LARGE', 'input.regions'],
      [given(Object.fromEntries(events(101).map(({ eventId }) => [eventId, [{ eventId }]]))), 'REGIONS_TOO_MANY', 'input.regions'],
    ];
    for (const [input, code, field] of cases) expect(await send(input)).toEqual({ programme: null, events: [], userErrors: [{ code, field }] });
    expect(called).toEqual([]);
  });

  test('of 60 events eight at most are registered at the same time', async () => {
    let [active, most] = [0, 0];
    const eight = Promise.withResolvers<void>();
    own.upstream.fetchSample = async () => {
      active += 1;
      most = Math.max(most, active);
      // Held until whoever else could have begun has: their look-ups in the database stand before these.
      if (active === 8) {
        for (let n = 0; n < 80; n += 1) await query(own.hub.database.em(), 'select 1');
        eight.resolve();
      }
      await eight.promise;
      active -= 1;
    };
    const payload = await send(given({ asia: Array.from({ length: 60 }, (_, n) => ({ eventId: `e${n}` })) }));
    expect(payload.events.filter(({ service }) => service !== null)).toHaveLength(60);
    expect(most).toBe(8);
  });

  test('events whose turn does not come in time are told so, and registered by the next call', async () => {
    const input = given({ asia: [{ eventId: 'a' }, { eventId: 'b' }, { eventId: 'c' }] });
    const timeUp = new AbortController();
    own.upstream.fetchSample = async () => timeUp.abort();
    const { entries } = await registerProgramme({ hub: hub(), viewer: manager, signal: timeUp.signal }, input as unknown as RegisterProgrammeInput, { atOnce: 1, beginMs: 60_000 });
    expect(entries.map(({ eventId, userErrors }) => [eventId, ...userErrors.map(({ code }) => code)])).toEqual([['a'], ['b', 'NOT_TRIED'], ['c', 'NOT_TRIED']]);
    called = [];
    expect([codesOf(await send(input)), called.sort()]).toEqual([[['a'], ['b'], ['c']], ['b', 'c']]);
  });

  test('two equal calls at once make one programme with each event once', async () => {
    const input = given({ asia: [{ eventId: 'a' }, { eventId: 'b' }], europe: [{ eventId: 'c' }] });
    const payloads = await Promise.all([send(input), send(input)]);
    for (const payload of payloads) expect([codesOf(payload), payload.events.every(({ service }) => service !== null)]).toEqual([[['a'], ['b'], ['c']], true]);
    expect([payloads[0]?.programme?.id, await own.count('hub.services'), await own.count('events.programmes')]).toEqual([payloads[1]?.programme?.id, 3, 1]);
  });

  test('whatever is registered in whatever order, a programme has each event that ever was well, where it was first', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const call = fc.record({ given: fc.uniqueArray(fc.tuple(fc.constantFrom('x', 'y', 'z'), name), { minLength: 1, maxLength: 5, selector: ([, id]) => id }), down: fc.uniqueArray(name) });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 4 }), async (calls) => {
        const prefix = `run${++run}-`;
        const members = new Map<string, string>();
        for (const each of calls) {
          down = new Set(each.down.map((id) => prefix + id));
          for (const [region, id] of each.given) if (!members.has(id) && !each.down.includes(id)) members.set(id, region);
          const byRegion = Object.fromEntries([...Map.groupBy(each.given, ([region]) => region)].map(([region, events]) => [region, events.map(([, id]) => ({ eventId: prefix + id }))]));
          const payload = await send(given(byRegion, prefix));
          const expected = Object.fromEntries([...Map.groupBy(members, ([, region]) => region)].map(([region, found]) => [region, found.map(([id]) => prefix + id).sort()]));
          expect(membersOf(payload)).toEqual(expected);
        }
      }),
      { numRuns: 12 },
    );
  });
});

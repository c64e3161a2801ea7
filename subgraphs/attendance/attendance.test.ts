import fc from 'fast-check';
import { type ExecutionResult, parse, subscribe } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckInFact, Fact, GateFact, ObservationFact, RegistrationFact } from '#core/facts.ts';
import { appendEvents, encodeCursor, logHead } from '#core/event-log.ts';
import { encodeKey } from '#core/pagination.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { attendanceRate, historyWindow, isStale, newestPerEvent } from './domain.ts';
import { applyFacts } from './facts.ts';
import { subgraph } from './index.ts';

let own: TestHub;
beforeAll(async () => void (own = await openTestHub()));
afterAll(() => own[Symbol.asyncDispose]());

const begin = Date.UTC(2024, 5, 1, 9);
const at = (second: number) => new Date(begin + second * 1000);
const registered = (eventId: string, id: string, state: RegistrationFact['state'] = 'CONFIRMED', participant = id): RegistrationFact => ({ kind: 'registration', eventId, upstreamId: id, at: at(0), participant, state });
const entered = (eventId: string, id: string, second = 0, more: Partial<CheckInFact> = {}): CheckInFact => ({ kind: 'checkIn', eventId, upstreamId: id, at: at(second), direction: 'ENTRY', gateId: null, area: '', participant: id, ...more });
const observed = (eventId: string, second: number, totalRegistered: number | null, currentAttendees: number | null): ObservationFact => ({ kind: 'observation', eventId, at: at(second), totalRegistered, currentAttendees });
const gate = (eventId: string, status: GateFact['status']): GateFact => ({ kind: 'gate', eventId, upstreamId: 'g1', at: at(0), name: 'Gate 1', status, throughput: 2 });

const reader = viewerOf(['read_attendance']);
/** What happens at a second of the day, announced as ingestion does. */
const given = async (second: number, facts: readonly Fact[]) => {
  const events = await own.hub.database.em().transactional(async (em) => appendEvents(em, 'svc', await applyFacts(em, facts, { serviceId: 'svc', now: at(second) })));
  const last = events.at(-1);
  if (last) own.hub.bus.publish('events.appended', { cursor: last.cursor });
  return events;
};
/** What of an event a test asked for. */
type Answer = {
  readonly attendance: { totalRegistered: number; currentAttendees: number; attendanceRate: number; stale: boolean; updatedAt: string; gateActivity: object[] } | null;
  readonly attendanceHistory: readonly { at: string; currentAttendees: number }[];
  readonly checkIns: { edges: { node: { id: string; participant: string | null } }[]; pageInfo: { hasNextPage: boolean; endCursor: string }; totalCount: number };
};
const ask = async (ids: readonly string[], selection: string, viewer: Viewer = reader) => {
  const { data, errors } = await asker(subgraph, own.hub)<{ _entities: Answer[] } | null>(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on Event { id ${selection} } } }`, viewer, { r: ids.map((id) => ({ __typename: 'Event', id })) });
  return { events: data?._entities ?? [], errors };
};
const shown = async (id: string) => (await ask([id], 'attendance { totalRegistered currentAttendees attendanceRate stale updatedAt gateActivity { gateId name status throughput } }')).events[0]?.attendance;
const totals = async (id: string) => {
  const value = await shown(id);
  return value && [value.totalRegistered, value.currentAttendees];
};

describe('the rules', () => {
  test('234 of 500 is 46.8 percent; nobody registered is 0', () => {
    expect(attendanceRate({ totalRegistered: 500, currentAttendees: 234 })).toBe(46.8);
    expect(attendanceRate({ totalRegistered: 0, currentAttendees: 3 })).toBe(0);
    expect(attendanceRate({ totalRegistered: 3, currentAttendees: 1 })).toBe(33.3);
  });

  test('a value is stale when it was confirmed more than 300 seconds ago', () => {
    expect([299, 300, 300.001, 301].map((age) => isStale(at(0), at(age)))).toEqual([false, false, true, true]);
  });

  test('of several changes of one event the newest stays, in the order of the newest', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c')), (ids) => {
        const changes = ids.map((eventId, n) => ({ eventId, n }));
        const kept = newestPerEvent(changes);
        expect(kept).toEqual(changes.filter(({ eventId, n }) => ids.lastIndexOf(eventId) === n));
      }),
    );
  });

  test('a history has 1000 steps at most and ends where it was asked to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 4e9 }), (every, from, length) => {
        const window = historyWindow({ from: new Date(from * 1000), to: new Date((from + length) * 1000), every }, at(0));
        const step = (moment: Date) => Math.floor(moment.getTime() / 1000 / every);
        expect(step(window.to) - step(window.from) + 1).toBeLessThanOrEqual(1000);
        expect(window.to).toEqual(new Date((from + length) * 1000));
        expect(window.from.getTime()).toBeGreaterThanOrEqual(from * 1000);
      }),
    );
  });
});

describe('attendance', () => {
  test('counts who is registered and who is inside', async () => {
    await given(0, [registered('count', 'ann'), registered('count', 'bob', 'PENDING'), registered('count', 'cid', 'CANCELLED'), entered('count', 'ann'), entered('count', 'cid'), entered('count', 'walk-in')]);
    expect(await totals('count')).toEqual([2, 2]);
    await given(1, [entered('count', 'ann-out', 1, { direction: 'EXIT', participant: 'ann' })]);
    expect(await totals('count')).toEqual([2, 1]);
    await given(2, [entered('count', 'bob'), registered('count', 'bob', 'CANCELLED')]);
    expect(await totals('count')).toEqual([1, 1]);
  });

  test('counts who is in several areas once, and as inside until the last is left', async () => {
    const pass = (id: string, area: string, second: number, direction: CheckInFact['direction'] = 'ENTRY') => entered('areas', id, second, { area, direction, participant: 'ann' });
    const seen = [];
    for (const fact of [pass('1', 'hall', 1), pass('2', 'lounge', 2), pass('3', 'hall', 3, 'EXIT'), pass('4', 'lounge', 4, 'EXIT'), pass('5', 'hall', 5)]) {
      await given(0, [fact]);
      seen.push((await totals('areas'))?.[1]);
    }
    expect(seen).toEqual([1, 1, 1, 0, 1]);
  });

  test('takes the upstream\'s own totals where it gives them, the newest of them, and its own counts where not', async () => {
    await given(0, [registered('told', 'ann'), entered('told', 'ann'), observed('told', 10, 500, null)]);
    expect(await totals('told')).toEqual([500, 1]);
    await given(1, [observed('told', 30, 500, 234), observed('told', 20, 400, 200)]);
    expect([await totals('told'), (await shown('told'))?.attendanceRate]).toEqual([[500, 234], 46.8]);
    await given(2, [observed('told', 25, 1, 1)]);
    expect(await totals('told')).toEqual([500, 234]);
    await given(3, [observed('told', 40, null, null)]);
    expect(await totals('told')).toEqual([1, 1]);
  });

  test('is fresh as long as the service confirms it, and then served as stale', async () => {
    await given(0, [observed('fresh', 0, 5, 1)]);
    const stale = async (second: number) => ((own.clock.now = at(second)), (await shown('fresh'))?.stale);
    expect([await stale(300), await stale(301)]).toEqual([false, true]);
    await given(301, [observed('fresh', 301, 5, 1)]);
    expect([await stale(601), await totals('fresh'), (await shown('fresh'))?.updatedAt]).toEqual([false, [5, 1], at(301).toISOString()]);
  });

  test('is null before anything was told, and shows the gates as last told', async () => {
    expect(await shown('unheard')).toBeNull();
    await given(0, [gate('gates', 'OPEN')]);
    await given(1, [gate('gates', 'FAILED')]);
    expect((await shown('gates'))?.gateActivity).toEqual([{ gateId: 'g1', name: 'Gate 1', status: 'FAILED', throughput: 2 }]);
  });

  test('tells of a change exactly when the served value or a gate changed', async () => {
    const types = async (second: number, facts: readonly Fact[]) => (await given(second, facts)).map(({ type }) => type);
    expect(await types(0, [registered('tell', 'ann')])).toEqual(['attendance.changed']);
    expect(await types(1, [entered('tell', 'ann')])).toEqual(['checkin.recorded', 'attendance.changed']);
    expect(await types(2, [entered('tell', 'again', 1, { participant: 'ann' })])).toEqual(['checkin.recorded']);
    expect(await types(3, [observed('tell', 3, null, null)])).toEqual([]);
    expect(await types(4, [gate('tell', 'OPEN')])).toEqual(['attendance.changed']);
  });
});

describe('the history', () => {
  const history = async (id: string, args: string) => (await ask([id], `attendanceHistory(${args}) { at totalRegistered currentAttendees attendanceRate }`)).events[0]?.attendanceHistory.map(({ at: moment, currentAttendees }) => [(Date.parse(moment) - begin) / 1000, currentAttendees]);

  test('gives the last value of each step, oldest first', async () => {
    for (const [second, id] of [[5, 'a'], [50, 'b'], [65, 'c'], [200, 'd'], [200.4, 'e']] as const) await given(second, [entered('past', id, second)]);
    const range = `from: "${at(0).toISOString()}", to: "${at(300).toISOString()}"`;
    expect(await history('past', `${range}, every: 60`)).toEqual([[50, 2], [65, 3], [200, 5]]);
    expect(await history('past', `${range}, every: 1`)).toEqual([[5, 1], [50, 2], [65, 3], [200, 5]]);
    expect(await history('past', `from: "${at(60).toISOString()}", to: "${at(199).toISOString()}", every: 60`)).toEqual([[65, 3]]);
  });

  test('refuses a step of no length, and takes absurd bounds for an empty history', async () => {
    for (const every of [0, -1]) expect((await ask(['past'], `attendanceHistory(every: ${every}) { at }`)).errors).toEqual([expect.objectContaining({ code: 'STEP_INVALID' })]);
    for (const args of ['to: "0001-01-01T00:00:00Z"', 'from: "9999-01-01T00:00:00Z", to: "9999-12-31T00:00:00Z"', `from: "${at(10).toISOString()}", to: "${at(0).toISOString()}"`, 'every: 2147483647']) expect((await ask(['past'], `attendanceHistory(${args}) { at }`)).errors, args).toEqual([]);
  });
});

describe('check-ins', () => {
  const page = async (id: string, args: string, viewer = viewerOf(['read_attendance', 'read_participants'])) => ask([id], `checkIns(${args}) { totalCount edges { node { id participant at direction gateId event { id } } } pageInfo { hasNextPage endCursor } }`, viewer);

  test('are listed newest first, and in pages once and in order', async () => {
    const all = Array.from({ length: 25 }, (_, n) => entered('list', `c${String(n).padStart(2, '0')}`, n % 5));
    await given(0, all);
    const expected = all.toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.upstreamId < b.upstreamId ? 1 : -1)).map(({ upstreamId }) => upstreamId);
    const walked: string[] = [];
    for (let after = '', more = true; more; ) {
      const connection = (await page('list', `first: 7${after && `, after: "${after}"`}`)).events[0]?.checkIns;
      walked.push(...(connection?.edges.map(({ node }) => node.id) ?? []));
      [after, more] = [connection?.pageInfo.endCursor ?? '', connection?.pageInfo.hasNextPage ?? false];
      expect(connection?.totalCount).toBe(25);
    }
    expect(walked).toEqual(expected);
  });

  test('refuse a cursor of another list, by its code', async () => {
    for (const key of [['x', 'y'], [5, 'y'], ['2024-01-01', 'c'], ['a']]) expect((await page('list', `after: "${encodeKey(key)}"`)).errors, String(key)).toEqual([expect.objectContaining({ code: 'CURSOR_INVALID' })]);
  });

  test('name participants only to those who may read them', async () => {
    const { events, errors } = await page('list', 'first: 1', reader);
    expect([events[0]?.checkIns.edges[0]?.node.participant, errors.map(({ code }) => code)]).toEqual([null, ['FORBIDDEN']]);
  });
});

test('the number of statements does not grow with the events asked for', async () => {
  const ids = Array.from({ length: 100 }, (_, n) => `many-${n}`);
  await given(0, ids.flatMap((id) => [registered(id, 'ann'), entered(id, 'ann'), gate(id, 'OPEN')]));
  const cost = async (some: readonly string[]) => {
    const before = own.statements();
    const { events, errors } = await ask(some, 'attendance { totalRegistered gateActivity { name } } attendanceHistory { at } checkIns { totalCount edges { node { id } } }');
    expect([errors, events.filter(({ attendance }) => attendance).length]).toEqual([[], some.length]);
    return own.statements() - before;
  };
  const [one, ten, hundred] = [await cost(ids.slice(0, 1)), await cost(ids.slice(0, 10)), await cost(ids)];
  expect([ten, hundred]).toEqual([one, one]);
});

describe('who may', () => {
  test('an event that is not on the list of the key, and attendance without the permission, are not shown', async () => {
    await given(0, [observed('guarded', 0, 1, 1)]);
    const selection = 'attendance { totalRegistered }';
    expect((await ask(['guarded'], selection, viewerOf(['read_attendance'], ['other']))).events).toEqual([null]);
    expect((await ask(['guarded'], selection, publicViewer)).events).toEqual([null]);
    for (const field of [selection, 'attendanceHistory { at }', 'checkIns { totalCount }']) expect((await ask(['guarded'], field, viewerOf(['read_events']))).errors.map(({ code }) => code), field).toEqual(['FORBIDDEN']);
  });
});

describe('a subscription', () => {
  const open = (document: string, viewer: Viewer) => {
    const built = buildSubgraph(subgraph, own.hub);
    return subscribe({ schema: built.schema, document: parse(document), contextValue: built.contextFor(viewer, 'r', new AbortController().signal) });
  };
  const codeOf = async (document: string, viewer: Viewer) => ((await open(document, viewer)) as ExecutionResult).errors?.[0]?.originalError;
  const next = async (events: unknown) => ((await (events as AsyncGenerator<ExecutionResult>).next()).value as ExecutionResult).data;
  const changed = (args = '') => `subscription { attendanceChanged${args} { cursor event { id } attendance { currentAttendees } } }`;

  test('to attendance gives the current value of what the key may see, then its changes, and resumes behind a cursor', async () => {
    await given(0, [entered('live', 'a'), entered('hidden', 'a')]);
    const viewer = viewerOf(['read_attendance'], ['live']);
    const events = await open(changed(), viewer);
    const first = await next(events);
    expect(first).toMatchObject({ attendanceChanged: { event: { id: 'live' }, attendance: { currentAttendees: 1 } } });
    const [, told] = await given(1, [entered('hidden', 'b')]).then(() => given(2, [entered('live', 'b')]));
    expect(await next(events)).toEqual({ attendanceChanged: { cursor: told?.cursor, event: { id: 'live' }, attendance: { currentAttendees: 2 } } });
    await (events as AsyncGenerator).return(undefined);
    await given(3, [entered('live', 'c')]);
    const resumed = await open(changed(`(eventIds: ["live"], after: "${told?.cursor}")`), viewer);
    expect(await next(resumed)).toMatchObject({ attendanceChanged: { attendance: { currentAttendees: 3 } } });
    await (resumed as AsyncGenerator).return(undefined);
  });

  test('to check-ins gives each as it is recorded', async () => {
    const after = encodeCursor(await logHead(own.hub.database.em()));
    const events = await open(`subscription { checkInRecorded(eventIds: ["each"], after: "${after}") { id at direction event { id } } }`, reader);
    const waiting = next(events);
    await given(0, [entered('each', 'c1', 5)]);
    expect(await waiting).toMatchObject({ checkInRecorded: { id: 'c1', direction: 'ENTRY', event: { id: 'each' } } });
    await (events as AsyncGenerator).return(undefined);
  });

  test('is refused for an event that the key may not see, without its permission, with a foreign cursor and with one that is too old', async () => {
    expect(await codeOf(changed('(eventIds: ["live"])'), viewerOf(['read_attendance'], ['other']))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await codeOf(changed(), viewerOf(['read_events']))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await codeOf('subscription { eventStatusChanged { id } }', reader)).toMatchObject({ code: 'FORBIDDEN' });
    expect(await codeOf(changed(), publicViewer)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await codeOf(changed('(after: "nonsense")'), reader)).toMatchObject({ code: 'CURSOR_INVALID' });
    for (const tx of ['99999999999999999999', '9000000000000000000']) expect(await codeOf(changed(`(after: "${Buffer.from(`${tx}.1.${Date.now()}`).toString('base64url')}")`), reader), tx).toMatchObject({ code: 'CURSOR_INVALID' });
    expect(await codeOf(changed(`(after: "${Buffer.from('5.5.5').toString('base64url')}")`), reader)).toMatchObject({ code: 'CURSOR_EXPIRED' });
  });
});

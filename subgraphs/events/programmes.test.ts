/** Programmes and regions as viewers see them. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventFact } from '#core/facts.ts';
import { Service } from '#core/services.ts';
import { type Asked, type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { entities } from './entities.ts';
import { applyFacts } from './facts.ts';
import { subgraph } from './index.ts';
import { groupOfRegion, regionId } from './programmes.ts';
import { addToProgramme, findProgrammeId } from './programmes-store.ts';

let own: TestHub;
let ask: ReturnType<typeof asker>;
const day = (n: number) => new Date(Date.UTC(2024, 5, n));
const now = day(11);
const reader = viewerOf(['read_events']);

type Given = Partial<EventFact> & { readonly eventId: string };
/** Events of a programme by region; without a name, of none. */
const given = async (programme: string | null, regions: Readonly<Record<string, readonly Given[]>>): Promise<string | null> => {
  const facts = Object.entries(regions).flatMap(([region, events]) =>
    events.map((more): EventFact => ({ kind: 'event', product: 'GateEvent', upstreamId: more.eventId, at: day(1), name: more.eventId, type: null, start: day(10), end: day(12), timezone: 'Asia/Seoul', region, organizer: null, venue: null, public: false, ...more })),
  );
  return own.hub.database.em().transactional(async (em) => {
    await applyFacts(em, facts, { serviceId: 'svc', now });
    if (programme === null) return null;
    for (const { eventId, region } of facts) await addToProgramme(em, { programme, eventId, region: region ?? '', by: null, now });
    return findProgrammeId(em, programme);
  });
};

beforeAll(async () => {
  own = await openTestHub({ entities });
  ask = asker(subgraph, own.hub);
  const em = own.hub.database.em();
  await em.persist(em.create(Service, {
    id: 'svc', product: 'gatekeeper', name: 'svc', apiUrl: 'https://api.test', webhookUrl: null, healthUrl: 'https://api.test/health', credentials: 'sealed', pushSecret: 'sealed', settings: {}, dataSchema: null, syncInterval: 60, retries: 0, state: 'ACTIVE', health: 'HEALTHY', failures: 0,
    lastError: null, lastContactAt: now, syncStartedAt: now, syncFinishedAt: now, syncFacts: 5, syncRejected: 1, cursor: null, nextSyncAt: now, nextHealthAt: now, createdAt: now, createdBy: null,
  })).flush();
});
afterAll(() => own[Symbol.asyncDispose]());

type Page = { totalCount: number; edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
type Told = { id: string; name: string; period: object; totals: { events: number }; events: Page; regions: { id: string; name: string; totals: { events: number }; events: Page; programme: { name: string } }[] };
const page = 'totalCount edges { node { id } } pageInfo { hasNextPage endCursor }';
const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id);
const load = async (id: string | null, viewer: Viewer = reader) => (await ask<{ programme: Told | null }>(`query ($id: ID!) { programme(id: $id) { id name period { start end } totals { events preEvent ongoing ended } events(first: 100) { ${page} } regions { id name totals { events } events(first: 100) { ${page} } programme { name } } } }`, viewer, { id })).data.programme;

describe('a programme', () => {
  test('has the events of its regions with their totals, from the first beginning to the last end', async () => {
    const id = await given('Summit', { asia: [{ eventId: 'seoul' }, { eventId: 'tokyo', start: day(12), end: day(20) }], europe: [{ eventId: 'berlin', start: day(2), end: day(3) }] });
    const told = await load(id);
    expect(told).toMatchObject({ id, name: 'Summit', period: { start: day(2).toISOString(), end: day(20).toISOString() }, totals: { events: 3, preEvent: 1, ongoing: 1, ended: 1 } });
    expect([told && idsOf(told.events), told?.regions.map(({ name, totals, events, programme }) => [name, totals.events, events.totalCount, idsOf(events), programme.name])]).toEqual([
      ['berlin', 'seoul', 'tokyo'],
      [['asia', 2, 2, ['seoul', 'tokyo'], 'Summit'], ['europe', 1, 1, ['berlin'], 'Summit']],
    ]);
  });

  test('has no known end while one of its events has none', async () => {
    expect((await load(await given('Open', { one: [{ eventId: 'open' }], two: [{ eventId: 'endless', end: null }] })))?.period).toEqual({ start: day(10).toISOString(), end: null });
  });

  test('is seen as far as its events, the same by id, in the list and by reference, and its regions with it', async () => {
    const id = await given('Parts', { asia: [{ eventId: 'mine' }, { eventId: 'theirs' }], europe: [{ eventId: 'also-theirs' }], america: [{ eventId: 'open-day', public: true }] });
    const hidden = await given('Hidden', { asia: [{ eventId: 'hidden' }] });
    const cases: readonly (readonly [Viewer, Record<string, string[]>])[] = [
      [publicViewer, { america: ['open-day'] }],
      [viewerOf(['read_events'], ['mine']), { america: ['open-day'], asia: ['mine'] }],
      [viewerOf(['read_attendance'], ['mine']), { america: ['open-day'] }],
      [reader, { america: ['open-day'], asia: ['mine', 'theirs'], europe: ['also-theirs'] }],
    ];
    for (const [viewer, seen] of cases) {
      const told = await load(id, viewer);
      const events = Object.values(seen).flat().sort();
      expect(Object.fromEntries(told?.regions.map((each) => [each.name, idsOf(each.events)]) ?? [])).toEqual(seen);
      expect([told?.totals.events, told?.events.totalCount, told && idsOf(told.events).sort()]).toEqual([events.length, events.length, events]);
      const names = (await ask<{ programmes: { totalCount: number; edges: { node: { name: string } }[] } }>('{ programmes(first: 100) { totalCount edges { node { name } } } }', viewer)).data.programmes;
      expect([names.edges.map(({ node }) => node.name).includes('Hidden'), names.totalCount]).toEqual([viewer === reader, names.edges.length]);
      expect((await load(hidden, viewer))?.name).toBe(viewer === reader ? 'Hidden' : undefined);
      const representations = [...['asia', 'europe', 'america'].map((region) => ({ __typename: 'Region', id: regionId({ programmeId: id, region }) })), { __typename: 'Programme', id: hidden }, { __typename: 'Region', id: 'nonsense' }, { __typename: 'Region', id: `${id}:` }];
      const { data, errors } = await ask('query ($r: [_Any!]!) { _entities(representations: $r) { ... on Region { name } ... on Programme { name } } }', viewer, { r: representations });
      expect([data, errors]).toEqual([{ _entities: [...['asia', 'europe', 'america'].map((name) => (seen[name] ? { name } : null)), viewer === reader ? { name: 'Hidden' } : null, null, null] }, []]);
    }
  });

  test('lists its events, and a region its own, in pages of any size without gap or double', async () => {
    const events = Array.from({ length: 23 }, (_, n) => ({ eventId: `page-${String(n).padStart(2, '0')}`, start: day(1 + (n % 4)) }));
    const id = await given('Paged', { east: events.slice(0, 15), west: events.slice(15) });
    const expected = (all: typeof events) => all.toSorted((a, b) => a.start.getTime() - b.start.getTime() || (a.eventId < b.eventId ? -1 : 1)).map(({ eventId }) => eventId);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (first) => {
        const walk = async (of: 'programme' | 'west') => {
          const walked: string[] = [];
          for (let after: string | null = null, more = true; more; ) {
            const { data }: Asked<{ programme: { events: Page; regions: { events: Page }[] } }> = await ask(`query ($id: ID!, $first: Int!, $after: String) { programme(id: $id) { ${of === 'west' ? `regions { events(first: $first, after: $after) { ${page} } }` : `events(first: $first, after: $after) { ${page} }`} } }`, reader, { id, first, after });
            const told: Page | undefined = of === 'west' ? data.programme.regions[1]?.events : data.programme.events;
            walked.push(...(told ? idsOf(told) : []));
            [after, more] = [told?.pageInfo.endCursor ?? null, told?.pageInfo.hasNextPage ?? false];
          }
          return walked;
        };
        expect([await walk('programme'), await walk('west')]).toEqual([expected(events), expected(events.slice(15))]);
      }),
      { numRuns: 8 },
    );
  });

  test('refuses sizes and cursors that are none, by their codes', async () => {
    const id = await given('Refusing', { asia: [{ eventId: 'refusing' }] });
    const lists = (args: string) => [`query ($id: ID!) { programme(id: $id) { events(${args}) { totalCount } } }`, `query ($id: ID!) { programme(id: $id) { regions { events(${args}) { totalCount } } } }`, `{ programmes(${args}) { totalCount } }`];
    for (const [args, code] of [['first: 0', 'PAGE_SIZE_INVALID'], ['first: 101', 'PAGE_SIZE_INVALID'], ['after: "x"', 'CURSOR_INVALID']] as const)
      for (const source of lists(args)) expect([source, (await ask(source, reader, { id })).errors.map((each) => each.code)]).toEqual([source, [code]]);
  });
});

test('programmes are listed by name, in pages, and cost a number of statements that follows neither their number nor that of their regions and events', async () => {
  for (let n = 0; n < 12; n += 1) await given(`Cost ${String(n).padStart(2, '0')}`, Object.fromEntries(Array.from({ length: n + 1 }, (_, r) => [`region-${r}`, [{ eventId: `cost-${n}-${r}-a` }, { eventId: `cost-${n}-${r}-b` }]])));
  const walked: string[] = [];
  const costs: number[] = [];
  for (let after: string | null = null, first = 1; ; first = 40) {
    const before = own.statements();
    const { data, errors }: Asked<{ programmes: { edges: { node: { name: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }> = await ask(
      `query ($first: Int!, $after: String) { programmes(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { name period { start } totals { events } events(first: 3) { totalCount edges { node { name region { name programme { name } } service { name } } } }
        regions { name totals { ongoing } period { end } programme { id } events(first: 1) { totalCount edges { node { id } } } } } } } }`, reader, { first, after });
    expect(errors).toEqual([]);
    costs.push(own.statements() - before);
    walked.push(...data.programmes.edges.map(({ node }) => node.name));
    if (!data.programmes.pageInfo.hasNextPage) break;
    after = data.programmes.pageInfo.endCursor;
  }
  expect(walked).toEqual(walked.toSorted());
  expect(walked.filter((name) => name.startsWith('Cost'))).toHaveLength(12);
  expect(costs).toEqual([costs[0], costs[0]]);
});

describe('a region', () => {
  test('of an event leads to its programme', async () => {
    await given('Leading', { asia: [{ eventId: 'leading' }] });
    expect((await ask('{ event(id: "leading") { region { name programme { name } } } }', reader)).data).toEqual({ event: { region: { name: 'asia', programme: { name: 'Leading' } } } });
  });

  test('without a programme has the events that are in none', async () => {
    await given('Apart', { lone: [{ eventId: 'in-programme' }] });
    await given(null, { lone: [{ eventId: 'alone' }, { eventId: 'alone-too' }], other: [{ eventId: 'other' }] });
    const { data } = await ask<{ event: { region: { id: string; events: Page } } }>(`{ event(id: "alone") { region { id name programme { name } totals { events } events { ${page} } } } }`, reader);
    expect(data.event.region).toMatchObject({ name: 'lone', programme: null, totals: { events: 2 }, events: { totalCount: 2 } });
    expect(idsOf(data.event.region.events)).toEqual(['alone', 'alone-too']);
  });

  test('is named by an id that says which it is', () => {
    fc.assert(fc.property(fc.option(fc.stringMatching(/^prg_[\w-]{16}$/)), fc.string({ minLength: 1 }), (programmeId, region) => {
      expect(groupOfRegion(regionId({ programmeId, region }))).toEqual({ programmeId, region });
    }));
    fc.assert(fc.property(fc.string().filter((text) => !/:[^]/.test(text)), (text) => {
      expect(groupOfRegion(text)).toBeNull();
    }));
  });
});

/** What the gateway keeps of the hub's own subgraphs, over real tables: right after each change that was acknowledged. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { appendEvents } from '#core/event-log.ts';
import type { Fact } from '#core/facts.ts';
import { createRedisTaggedCache } from '#core/redis-tagged-cache.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { type AnySubgraph, buildSubgraph } from '#core/subgraph.ts';
import { type TaggedCache, createMemoryTaggedCache } from '#core/tagged-cache.ts';
import { silentLogger, within } from '#core/testing.ts';
import { openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Gateway, createGateway } from '#gateway/index.ts';
import { createLocalDataSource } from '#gateway/sources/local-data-source.ts';
import { applyBatch } from '#ingest/apply.ts';
import { createIngest } from '#ingest/ingest.ts';
import { recordContact } from '#ingest/health.ts';
import { checkIn, event, status } from '#ingest/test-kit.ts';
import { registerProgramme } from '#subgraphs/events/programmes-register.ts';
import { followInvalidations } from './follow-invalidations.ts';
import { loadSubgraphs, supergraphFile } from './subgraphs.ts';

const viewer = viewerOf(['read_events', 'read_attendance', 'manage_services']);

type Caches = { readonly ofWriter: TaggedCache; readonly ofGateways: readonly TaggedCache[] };

/** A writer and two gateways over one database; `asked` notes which subgraphs the gateways ask. */
const openHub = async ({ ofWriter, ofGateways }: Caches) => {
  await using stack = new AsyncDisposableStack();
  const subgraphs = await loadSubgraphs();
  const own = stack.use(await openTestHub({ entities: subgraphs.flatMap(({ entities }) => entities), answers: ofWriter }));
  const ingest = stack.use(createIngest({ hub: own.hub, subgraphs, allowPrivateUpstreams: true }));
  const asked: string[] = [];
  const noting = (name: string, all: readonly AnySubgraph[]) => {
    const definition = all.find((each) => each.name === name) ?? expect.fail(name);
    const { schema, contextFor } = buildSubgraph(definition, own.hub);
    const source = createLocalDataSource({ schema, contextFor });
    return { ...source, execute: (request: Parameters<typeof source.execute>[0]) => (asked.push(name), source.execute(request)) };
  };
  const gateways = ofGateways.map((cache) => createGateway({ supergraph: readFileSync(supergraphFile, 'utf8'), cache, dataSources: (name) => noting(name, subgraphs) }));
  for (const gateway of gateways) stack.defer(() => gateway.dispose());
  const em = () => own.hub.database.em();
  const service = em().create(Service, {
    id: 'svc', product: 'gatekeeper', name: 'svc', apiUrl: 'http://127.0.0.1:9', webhookUrl: null, healthUrl: 'http://127.0.0.1:9/health', credentials: own.hub.secrets.encrypt('{"type":"none"}'), pushSecret: own.hub.secrets.encrypt('push secret'),
    settings: {}, dataSchema: null, syncInterval: 60, retries: 0, state: 'ACTIVE', health: 'HEALTHY', failures: 0, lastError: null, lastContactAt: null, syncStartedAt: null, syncFinishedAt: null, syncFacts: null, syncRejected: null,
    cursor: null, nextSyncAt: own.clock.now, nextHealthAt: own.clock.now, createdAt: own.clock.now, createdBy: null,
  }, { persist: false });
  await em().persist(service).flush();
  const apply = (facts: readonly Fact[]) => applyBatch(ingest, { serviceId: 'svc', facts, rejected: [] });
  const running = stack.move();
  return { ...own, ingest, subgraphs, gateways, asked, apply, [Symbol.asyncDispose]: () => running.disposeAsync() };
};

const memory = async (): Promise<Caches> => {
  const cache = createMemoryTaggedCache({ maxBytes: 50_000_000 });
  return { ofWriter: cache, ofGateways: [cache, cache] };
};
const redis = async (): Promise<Caches> => {
  const prefix = `test:${randomUUID()}:`;
  const open = () => createRedisTaggedCache({ url: inject('redisUrl'), prefix, logger: silentLogger, patienceMs: 10_000 });
  return { ofWriter: await open(), ofGateways: [await open(), await open()] };
};
const closeAll = ({ ofWriter, ofGateways }: Caches) => Promise.all([...new Set([ofWriter, ...ofGateways])].map((cache) => cache[Symbol.asyncDispose]()));

type Dashboard = { readonly events: { readonly edges: readonly { readonly node: { readonly id: string; readonly name: string; readonly status: string; readonly attendance: { readonly currentAttendees: number } | null; readonly service: { readonly health: string } } }[] } };
const dashboard = '{ events(first: 20, orderBy: START_ASC) { edges { node { id name status attendance { currentAttendees } service { health } ... on GateEvent { gates { id } } } } } }';

const askOf = async <Data>(gateway: Gateway, text: string, variables: Record<string, unknown> = {}): Promise<Data> => {
  const { data, errors } = await gateway.execute({ query: text, variables, viewer, requestId: 'r', signal: new AbortController().signal });
  expect(errors).toBeUndefined();
  return data as Data;
};

describe.each([
  { form: 'in memory', open: memory },
  { form: 'in Redis', open: redis },
])('answers kept $form', ({ open }) => {
  let caches: Caches;
  let hub: Awaited<ReturnType<typeof openHub>>;
  beforeAll(async () => {
    caches = await open();
    hub = await openHub(caches);
    await hub.apply(ids.flatMap((id) => [event({ eventId: id, upstreamId: id }), status('ONGOING', 0, id), checkIn(`${id}-first`, 1, 'ENTRY', `${id}-first`, '', id)]));
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await closeAll(caches);
  });
  const ids = ['e1', 'e2', 'e3'];
  const gateway = (nth = 0): Gateway => hub.gateways[nth % 2] as Gateway;
  const nodes = async (nth = 0) => new Map((await askOf<Dashboard>(gateway(nth), dashboard)).events.edges.map(({ node }) => [node.id, node]));
  /** Which subgraphs some work asks. */
  const askedBy = async (work: () => Promise<unknown>) => {
    const before = hub.asked.length;
    await work();
    return hub.asked.slice(before);
  };

  test('a check-in drops that event\'s attendance and nothing else', async () => {
    await nodes();
    expect(await askedBy(nodes)).toEqual([]);
    const one = 'query ($id: ID!) { event(id: $id) { name attendance { currentAttendees } } }';
    const attendanceOf = async (id: string, nth = 0) => (await askOf<{ event: { attendance: { currentAttendees: number } } }>(gateway(nth), one, { id })).event.attendance.currentAttendees;
    for (const id of ids) expect(await attendanceOf(id)).toBe(1);
    await hub.apply([checkIn('new', 2, 'ENTRY', 'new', '', 'e1')]);
    expect(await attendanceOf('e1', 1)).toBe(2);
    expect(await askedBy(() => attendanceOf('e2', 1))).toEqual([]);
    expect(await askedBy(() => attendanceOf('e3', 1))).toEqual([]);
    const sent = await askedBy(() => nodes(1));
    expect(sent).toEqual(['events']); // attendance and gates are still known, or were read by the other operation
    expect([...(await nodes()).values()].map(({ attendance }) => attendance?.currentAttendees)).toEqual([2, 1, 1]);
  });

  test('a status, a name and the health of a service are right in the next answer', async () => {
    await nodes();
    await hub.apply([status('ENDED', 5, 'e2')]);
    expect((await nodes(1)).get('e2')).toMatchObject({ status: 'ENDED' });
    await hub.apply([event({ eventId: 'e3', upstreamId: 'e3', name: 'Renamed', at: new Date() })]);
    expect((await nodes()).get('e3')).toMatchObject({ name: 'Renamed' });
    await recordContact(hub.ingest, 'svc', { source: 'pull', error: new Error('gone') });
    expect((await nodes(1)).get('e1')).toMatchObject({ service: { health: 'DEGRADED' } });
    await hub.apply([event({ eventId: 'e4', upstreamId: 'e4' })]);
    expect([...(await nodes()).keys()]).toContain('e4');
  });

  test('a programme that gains an event, and the region of that event, are right in the next answer', async () => {
    const shown = async (nth: number) => {
      const { programmes, event: e1 } = await askOf<{ programmes: { edges: { node: { totals: { events: number } } }[] }; event: { region: { name: string } | null } }>(gateway(nth), '{ programmes(first: 20) { edges { node { name totals { events } } } } event(id: "e1") { region { name } } }');
      return [programmes.edges.map(({ node }) => node.totals.events), e1.region?.name];
    };
    const registered = (eventId: string) => ({ eventId, serviceEndpoint: 'http://127.0.0.1:9', timezone: 'Asia/Seoul', product: 'gatekeeper' });
    const register = (...given: string[]) => registerProgramme({ hub: { ...hub.hub, ingest: hub.ingest }, viewer, signal: new AbortController().signal }, { globalEvent: 'Summit', regions: [{ region: 'asia', events: given.map(registered) }] });
    expect([await shown(0), await shown(1), await askedBy(() => shown(0))]).toEqual([[[], undefined], [[], undefined], []]);
    await register('e1');
    expect([await shown(0), await shown(1)]).toEqual([[[1], 'asia'], [[1], 'asia']]);
    await register('e1', 'e2');
    expect([await shown(0), await shown(1)]).toEqual([[[2], 'asia'], [[2], 'asia']]);
  });

  test('10,000 reads race with check-ins: none is older than what was acknowledged when it began', { timeout: 600_000 }, async () => {
    const begun = new Map(ids.map((id) => [id, 0]));
    const acknowledged = new Map(begun);
    const hitsOf = () => hub.gateways.reduce((sum, { counts }) => sum + counts.cache.answers.hits, 0);
    const hitsBefore = hitsOf();
    const before = await nodes();
    const countOf = (found: Awaited<ReturnType<typeof nodes>>, id: string) => (found.get(id)?.attendance?.currentAttendees ?? 0) - (before.get(id)?.attendance?.currentAttendees ?? 0);
    let reads = 0;
    let writes = 0;
    const goesOn = () => reads < 10_000 || writes < 150;
    const read = async (nth: number) => {
      while (goesOn()) {
        reads++;
        const least = new Map(acknowledged);
        const found = await nodes(nth);
        for (const id of ids) {
          const count = countOf(found, id);
          if (count < (least.get(id) ?? 0) || count > (begun.get(id) ?? 0)) expect.fail(`${id}: ${count} was read, ${least.get(id)} were acknowledged before and ${begun.get(id)} begun after`);
        }
        await new Promise(setImmediate); // what is found at once would leave the writers no turn
      }
    };
    const write = async (nth: number) => {
      for (let index = 0; goesOn(); index++) {
        writes++;
        const id = ids[index % ids.length] as string;
        const name = `${nth}-${index}`;
        begun.set(id, (begun.get(id) ?? 0) + 1);
        await hub.apply([checkIn(name, 10 + (index % 500), 'ENTRY', name, '', id)]);
        acknowledged.set(id, (acknowledged.get(id) ?? 0) + 1);
        const mine = acknowledged.get(id) ?? 0;
        expect(countOf(await nodes(index), id)).toBeGreaterThanOrEqual(mine);
      }
    };
    await Promise.all([write(0), write(1), ...Array.from({ length: 16 }, (_, nth) => read(nth))]);
    for (const nth of [0, 1]) for (const id of ids) expect(countOf(await nodes(nth), id)).toBe(begun.get(id));
    expect(hitsOf() - hitsBefore).toBeGreaterThan(1_000);
  });
});

test('what a process changed that died before it told the cache is dropped as the event log tells of it', async () => {
  const caches = await redis();
  await using hub = await openHub(caches);
  const [cache, other] = caches.ofGateways;
  const [gateway] = hub.gateways;
  if (!cache || !other || !gateway) throw new Error('There are two gateways.');
  await hub.apply([event(), checkIn('c1', 1)]);
  await using _following = followInvalidations({ hub: { ...hub.hub, ingest: hub.ingest, answers: other }, subgraphs: hub.subgraphs });
  const count = async () => (await askOf<Dashboard>(gateway, dashboard)).events.edges[0]?.node.attendance?.currentAttendees;
  expect(await count()).toBe(1);
  await hub.hub.database.em().transactional(async (em) => {
    await query(em, 'update attendance.live set current_attendees = 7', []);
    await appendEvents(em, 'svc', [{ type: 'attendance.changed', eventId: 'e1', occurredAt: new Date(), payload: { totalRegistered: 0, currentAttendees: 7, gateActivity: [], updatedAt: new Date().toISOString() } }]);
  });
  await vi.waitFor(async () => expect(await count()).toBe(7), within);
  await closeAll(caches);
});

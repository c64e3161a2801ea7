import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventFact, StatusFact } from '#core/facts.ts';
import type { Registration, RegistrationResult } from '#core/ingest-port.ts';
import { encodeKey } from '#core/pagination.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { parseRegistration, statusAt } from './domain.ts';
import { entities } from './entities.ts';
import { applyFacts, onTick } from './facts.ts';
import { subgraph } from './index.ts';

let own: TestHub;
let ask: ReturnType<typeof asker>;
const registered: Registration[] = [];
let outcome: RegistrationResult = { ok: true, pushUrl: null, serviceId: 'svc_1' };
beforeAll(async () => {
  own = await openTestHub({ entities, ingest: { products: ['gatekeeper', 'pretix'], register: async (registration) => (registered.push(registration), outcome) } });
  ask = asker(subgraph, own.hub);
  const now = own.clock.now;
  for (const id of ['svc_1', 'svc_2', 'svc_3']) {
    const em = own.hub.database.em();
    await em.persist(em.create(Service, {
      id, product: 'gatekeeper', name: `Service ${id}`, apiUrl: 'https://api.test', webhookUrl: null, healthUrl: 'https://api.test/health', credentials: 'sealed', pushSecret: 'sealed', settings: { contact: 'o@example.org' }, dataSchema: null, syncInterval: 60, retries: 0, state: 'ACTIVE',
      health: 'DEGRADED', failures: 1, lastError: { code: 'UPSTREAM_TIMEOUT', message: 'late', at: now.toISOString(), source: 'pull' }, lastContactAt: now, syncStartedAt: now, syncFinishedAt: now, syncFacts: 5, syncRejected: 1, clockSkewMs: -1500, cursor: null, nextSyncAt: now, nextHealthAt: now, createdAt: now, createdBy: null,
    })).flush();
  }
});
afterAll(() => own[Symbol.asyncDispose]());

const day = (n: number, hour = 0) => new Date(Date.UTC(2024, 5, n, hour));
const event = (id: string, more: Partial<EventFact> = {}): EventFact => ({ kind: 'event', product: 'GateEvent', eventId: id, upstreamId: id, at: day(1), name: `Event ${id}`, type: null, start: day(10), end: day(12), timezone: 'Asia/Seoul', region: null, organizer: null, venue: null, public: false, ...more });
const told = (id: string, status: StatusFact['status'], at = 2): StatusFact => ({ kind: 'status', eventId: id, upstreamId: id, at: day(at), status });
const given = (facts: readonly (EventFact | StatusFact)[], now: Date, serviceId = 'svc_1') => own.hub.database.em().transactional((em) => applyFacts(em, facts, { serviceId, now }));
const statusOf = async (id: string) => (await query<{ status: string }>(own.hub.database.em(), 'select status from events.events where id = $1', [id]))[0]?.status;

const reader = viewerOf(['read_events']);
type Listed = { events: { totalCount: number; edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
const list = (args: string, viewer: Viewer = reader) => ask<Listed | null>(`{ events(${args || 'first: 100'}) { totalCount edges { node { id } } pageInfo { hasNextPage endCursor } } }`, viewer);
const idsOf = async (args: string, viewer?: Viewer) => (await list(args, viewer)).data?.events.edges.map(({ node }) => node.id);

describe('the status of an event', () => {
  test('follows its period, unless the service tells one; without an end an event lasts a day', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: day(1), max: day(30) }), fc.option(fc.integer({ min: 1, max: 1e9 })), fc.option(fc.constantFrom('PRE_EVENT' as const, 'ONGOING' as const, 'ENDED' as const)), fc.date({ noInvalidDate: true, min: day(1), max: day(30) }), (start, length, word, now) => {
        const end = new Date(start.getTime() + (length ?? 86_400_000));
        const byPeriod = now < start ? 'PRE_EVENT' : now < end ? 'ONGOING' : 'ENDED';
        expect(statusAt({ start, end: length === null ? null : end }, word, now)).toBe(word ?? byPeriod);
      }),
    );
  });

  test('is told as changed when it changed and not when an event is new', async () => {
    expect(await given([event('told')], day(11))).toEqual([]);
    expect(await given([event('told-new'), told('told-new', 'ENDED')], day(11))).toEqual([]);
    expect([await statusOf('told'), await statusOf('told-new')]).toEqual(['ONGOING', 'ENDED']);
    expect(await given([told('told', 'ENDED')], day(11))).toEqual([{ type: 'event.status_changed', eventId: 'told', occurredAt: day(11), payload: { from: 'ONGOING', to: 'ENDED' } }]);
    expect(await given([told('told', 'ENDED', 3)], day(11))).toEqual([]);
    expect((await given([event('told', { end: day(20) })], day(11))).length).toBe(0);
  });

  test('changes when the period moves', async () => {
    await given([event('moves')], day(1));
    expect((await given([event('moves', { start: day(1), at: day(2) })], day(2))).map(({ payload }) => payload)).toEqual([{ from: 'PRE_EVENT', to: 'ONGOING' }]);
  });

  test('changes as time passes, once, and only where the service does not tell it', async () => {
    await given([event('tick'), event('tick-open', { end: null }), event('tick-told'), told('tick-told', 'PRE_EVENT')], day(1));
    const tick = async (now: Date) => (await own.hub.database.em().transactional((em) => onTick(em, now))).filter(({ eventId }) => eventId?.startsWith('tick')).map(({ eventId, payload }) => [eventId, 'to' in payload && payload.to]);
    expect(await tick(day(9))).toEqual([]);
    expect(await tick(day(10))).toEqual([['tick', 'ONGOING'], ['tick-open', 'ONGOING']]);
    expect(await tick(day(10))).toEqual([]);
    expect(await tick(day(11))).toEqual([['tick-open', 'ENDED']]);
    expect(await tick(day(12))).toEqual([['tick', 'ENDED']]);
    await given([event('tick-late')], day(1));
    expect(await tick(day(28))).toEqual([['tick-late', 'ENDED']]);
  });
});

describe('the list of events', () => {
  test('keeps to every given condition', async () => {
    await given([event('f1', { region: 'asia', type: 'meetup', start: day(1) }), event('f2', { region: 'asia', start: day(2), product: 'PretixEvent' }), event('f3', { region: 'europe', type: 'meetup', start: day(3) })], day(1), 'svc_2');
    await given([event('f4', { region: 'asia', start: day(4), end: day(5) })], day(1), 'svc_3');
    const filter = async (conditions: string) => (await idsOf(`first: 100, orderBy: START_ASC, filter: {ids: ["f1", "f2", "f3", "f4"], ${conditions}}`))?.join();
    expect(await filter('')).toBe('f1,f2,f3,f4');
    expect(await filter('region: "asia"')).toBe('f1,f2,f4');
    expect(await filter('region: "asia", type: "meetup"')).toBe('f1');
    expect(await filter('serviceId: "svc_3"')).toBe('f4');
    expect(await filter('status: PRE_EVENT')).toBe('f2,f3,f4');
    expect(await filter(`startsFrom: "${day(2).toISOString()}", startsBefore: "${day(4).toISOString()}"`)).toBe('f2,f3');
    expect(await idsOf('filter: {ids: []}')).toEqual([]);
    expect(await filter('startsFrom: "0001-01-01T00:00:00Z"')).toBe('f1,f2,f3,f4');
  });

  test('in every order, walked in pages of any size, is whole and in order', async () => {
    const names = ['b', 'a', 'B', 'ä', 'a', 'z', '日本', '', 'a b'].map((name, n) => event(`page${n}`, { name: name || ' ', start: day(n % 3), region: 'paged' }));
    await given(names, day(1));
    const expected = {
      START_ASC: names.toSorted((a, b) => a.start.getTime() - b.start.getTime() || (a.eventId < b.eventId ? -1 : 1)),
      START_DESC: names.toSorted((a, b) => b.start.getTime() - a.start.getTime() || (a.eventId < b.eventId ? 1 : -1)),
      NAME_ASC: names.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) || (a.eventId < b.eventId ? -1 : 1)),
    };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('START_ASC' as const, 'START_DESC' as const, 'NAME_ASC' as const), fc.integer({ min: 1, max: 10 }), async (orderBy, first) => {
        const walked: string[] = [];
        for (let after = '', more = true; more; ) {
          const { data } = await list(`first: ${first}, orderBy: ${orderBy}, filter: {region: "paged"}${after && `, after: "${after}"`}`);
          walked.push(...(data?.events.edges.map(({ node }) => node.id) ?? []));
          expect(data?.events.totalCount).toBe(names.length);
          [after, more] = [data?.events.pageInfo.endCursor ?? '', data?.events.pageInfo.hasNextPage ?? false];
        }
        expect(walked).toEqual(expected[orderBy].map(({ eventId }) => eventId));
      }),
      { numRuns: 15 },
    );
  });

  test('refuses sizes and cursors that are none, by their codes', async () => {
    for (const args of ['first: 0', 'first: 101']) expect((await list(args)).errors.map(({ code }) => code)).toEqual(['PAGE_SIZE_INVALID']);
    for (const after of ['x', encodeKey(['yesterday', 'x']), encodeKey([5, 'x']), encodeKey(['x'])]) expect((await list(`after: "${after}"`)).errors.map(({ code }) => code), after).toEqual(['CURSOR_INVALID']);
    expect((await list(`orderBy: NAME_ASC, after: "${encodeKey([5, 'x'])}"`)).errors.map(({ code }) => code)).toEqual(['CURSOR_INVALID']);
  });

  test('costs a number of statements that does not follow its length', async () => {
    await given(Array.from({ length: 100 }, (_, n) => event(`cost${n}`, { region: 'cost' })), day(1));
    const cost = async (first: number) => {
      const before = own.statements();
      const { data, errors } = await ask<Listed>(`{ events(first: ${first}, filter: {region: "cost"}) { totalCount edges { node { id name status service { name health } } } } }`, reader);
      expect([data.events.edges.length, errors]).toEqual([first, []]);
      return own.statements() - before;
    };
    const [one, ten, hundred] = [await cost(1), await cost(10), await cost(100)];
    expect([ten, hundred]).toEqual([one, one]);
  });
});

test('who sees an event is the same in the list, by id and by reference', async () => {
  await given([event('public', { public: true, region: 'seen' }), event('mine', { region: 'seen' }), event('theirs', { region: 'seen' })], day(1));
  const cases: readonly (readonly [Viewer, readonly string[]])[] = [
    [publicViewer, ['public']],
    [viewerOf(['read_events'], ['mine']), ['mine', 'public']],
    [viewerOf(['read_events'], []), ['public']],
    [viewerOf(['read_attendance'], ['mine']), ['public']],
    [viewerOf(['read_events']), ['mine', 'public', 'theirs']],
    [viewerOf(['admin']), ['mine', 'public', 'theirs']],
  ];
  for (const [viewer, seen] of cases) {
    expect((await idsOf('filter: {region: "seen"}', viewer))?.toSorted()).toEqual(seen);
    expect((await list('filter: {region: "seen"}', viewer)).data?.events.totalCount).toBe(seen.length);
    for (const id of ['public', 'mine', 'theirs', 'nowhere']) {
      const expected = seen.includes(id) ? { id, name: `Event ${id}` } : null;
      expect((await ask(`{ event(id: "${id}") { id name } }`, viewer)).data).toEqual({ event: expected });
      for (const type of ['Event', 'GateEvent']) {
        const { data, errors } = await ask('query ($r: [_Any!]!) { _entities(representations: $r) { ... on Event { id name } } }', viewer, { r: [{ __typename: type, id }] });
        expect([data, errors], `${type} ${id}`).toEqual([{ _entities: [expected] }, []]);
      }
    }
  }
});

describe('a service', () => {
  test('shows to everyone how well it is, and to who manages services why and where', async () => {
    await given([event('served', { public: true })], day(1));
    const { data, errors } = await ask('{ event(id: "served") { service { name health lastError { code } lastSync { facts } endpoints { api } contact } } }', publicViewer);
    expect(data).toEqual({ event: { service: { name: 'Service svc_1', health: 'DEGRADED', lastError: null, lastSync: null, endpoints: null, contact: null } } });
    expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'UNAUTHENTICATED'));
    const pulls = '{ event(id: "served") { name service { nextSync syncInterval } } }';
    expect(await ask(pulls, publicViewer)).toMatchObject({ data: { event: { name: 'Event served', service: { nextSync: null, syncInterval: null } } }, errors: [{ code: 'UNAUTHENTICATED' }, { code: 'UNAUTHENTICATED' }] });
    expect((await ask(pulls, viewerOf([]))).data).toMatchObject({ event: { service: { syncInterval: 60 } } });
    const managed = await ask('{ eventService(id: "svc_1") { lastError { code message } lastSync { facts rejected } clockSkewMs endpoints { api push } contact } }', viewerOf(['manage_services']));
    expect(managed.data).toEqual({ eventService: { lastError: { code: 'UPSTREAM_TIMEOUT', message: 'late' }, lastSync: { facts: 5, rejected: 1 }, clockSkewMs: -1500, endpoints: { api: 'https://api.test', push: 'http://hub.test/ingest/svc_1' }, contact: 'o@example.org' } });
    expect(JSON.stringify(managed)).not.toContain('sealed');
    for (const source of ['{ eventServices { totalCount } }', '{ eventService(id: "svc_1") { id } }']) expect((await ask(source, reader)).errors.map(({ code }) => code)).toEqual(['FORBIDDEN']);
  });

  test('shows to a key with an event list only where it brought one of them', async () => {
    await query(own.hub.database.em(), "insert into hub.event_ids (event_id, service_id) values ('of-1', 'svc_1'), ('of-2', 'svc_2'), ('also-of-2', 'svc_2')");
    const seen = async (events: 'all' | string[]) => {
      const source = '{ eventServices { totalCount edges { node { id } } } one: eventService(id: "svc_1") { id } two: eventService(id: "svc_2") { id } }';
      const { data, errors } = await ask<{ eventServices: { totalCount: number; edges: { node: { id: string } }[] }; one: object | null; two: object | null }>(source, viewerOf(['manage_services'], events));
      expect(errors).toEqual([]);
      return [data.eventServices.totalCount, data.eventServices.edges.map(({ node }) => node.id), data.one !== null, data.two !== null];
    };
    expect(await seen(['of-2', 'also-of-2', 'of-nobody'])).toEqual([1, ['svc_2'], false, true]);
    expect(await seen([])).toEqual([0, [], false, false]);
    expect(await seen('all')).toEqual([3, ['svc_3', 'svc_2', 'svc_1'], true, true]);
  });

  test('of a public event shows to a key for other events nothing of what is for who manages it', async () => {
    await given([event('of-svc-3', { public: true })], day(11), 'svc_3');
    await query(own.hub.database.em(), `insert into hub.event_ids (event_id, service_id) values ('of-svc-3', 'svc_3')`);
    const look = `{ event(id: "of-svc-3") { service { name lastError { code } lastSync { facts } circuit { state } clockSkewMs budget { limit } endpoints { api } contact } } }`;
    const { data, errors } = await ask<{ event: { service: Record<string, unknown> } }>(look, viewerOf(['read_events', 'manage_services'], ['another']));
    expect(data.event.service).toEqual({ name: 'Service svc_3', lastError: null, lastSync: null, circuit: null, clockSkewMs: null, budget: null, endpoints: null, contact: null });
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['FORBIDDEN']));
    expect((await ask(look, viewerOf(['read_events', 'manage_services'], ['of-svc-3']))).errors).toEqual([]);
  });

  test('is not registered for an event outside the list of the key', async () => {
    const calls = registered.length;
    const register = async (eventId: string | null) =>
      (await ask<{ registerEventService: { userErrors: object[] } }>('mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code field } } }', viewerOf(['manage_services'], ['mine']), { input: { serviceName: 'Gates', eventId, endpoints: { api: 'https://gate.test' } } })).data.registerEventService.userErrors;
    expect(await register('theirs')).toEqual([{ code: 'EVENT_NOT_ALLOWED', field: 'input.eventId' }]);
    expect(registered).toHaveLength(calls);
    expect([await register('mine'), await register(null)]).toEqual([[], []]);
    expect(registered.slice(calls).map(({ eventAccess }) => eventAccess)).toEqual([['mine'], ['mine']]);
  });

  test('is registered by who manages services, with what the caller said; a failure is told with its step, code and field', async () => {
    const mutation = 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { service { id } userErrors { code field message } } }';
    const input = { serviceName: ' Gates ', eventId: 'e-1', endpoints: { api: 'https://gate.test/api/' }, authentication: { type: 'API_KEY', credentials: { apiKey: 'k' } }, eventPeriod: { start: day(1).toISOString() } };
    const manager = viewerOf(['manage_services'], 'all', 'key_m');
    expect((await ask(mutation, manager, { input })).data).toEqual({ registerEventService: { service: { id: 'svc_1' }, userErrors: [] } });
    expect(registered.at(-1)).toMatchObject({ product: 'gatekeeper', serviceName: 'Gates', endpoints: { api: 'https://gate.test/api', webhook: null, healthCheck: null }, credentials: { type: 'api_key', apiKey: 'k' }, syncInterval: 300, retries: 2, settings: { eventId: 'e-1', start: day(1).toISOString() }, by: 'key_m' });
    outcome = { ok: false, step: 'HEALTH_CHECK', code: 'UPSTREAM_TIMEOUT', message: 'too late', field: 'input.endpoints.healthCheck' };
    expect((await ask(mutation, manager, { input })).data).toEqual({ registerEventService: { service: null, userErrors: [{ code: 'UPSTREAM_TIMEOUT', field: 'input.endpoints.healthCheck', message: 'HEALTH_CHECK: too late' }] } });
    const calls = registered.length;
    expect((await ask(mutation, reader, { input })).errors.map(({ code }) => code)).toEqual(['FORBIDDEN']);
    expect(registered).toHaveLength(calls);
  });

  const good = { product: 'gatekeeper', serviceName: 'x', endpoints: { api: 'https://api.test' } };
  const bad: readonly (readonly [object, string, string])[] = [
    [{ product: 'unknown' }, 'PRODUCT_UNKNOWN', 'product'],
    [{ serviceName: ' ' }, 'NAME_INVALID', 'serviceName'],
    [{ eventId: 'with space' }, 'EVENT_ID_INVALID', 'eventId'],
    [{ endpoints: { api: 'ftp://x' } }, 'URL_INVALID', 'endpoints.api'],
    [{ endpoints: { api: 'https://x', healthCheck: 'x' } }, 'URL_INVALID', 'endpoints.healthCheck'],
    [{ endpoints: { api: 'https://x', webhook: 'javascript:1' } }, 'URL_INVALID', 'endpoints.webhook'],
    [{ endpoints: { api: 'https://name:password@x' } }, 'URL_INVALID', 'endpoints.api'],
    [{ endpoints: { api: 'https://x', healthCheck: 'https://token@x' } }, 'URL_INVALID', 'endpoints.healthCheck'],
    [{ syncSettings: { interval: 4 } }, 'INTERVAL_INVALID', 'syncSettings.interval'],
    [{ syncSettings: { interval: 86_401 } }, 'INTERVAL_INVALID', 'syncSettings.interval'],
    [{ syncSettings: { retryPolicy: { retries: 6 } } }, 'RETRIES_INVALID', 'syncSettings.retryPolicy.retries'],
    [{ eventPeriod: { start: day(2), end: day(1) } }, 'PERIOD_INVALID', 'eventPeriod.end'],
    [{ settings: [1] }, 'SETTINGS_INVALID', 'settings'],
    [{ syncSettings: { dataSchema: 'x' } }, 'DATA_SCHEMA_INVALID', 'syncSettings.dataSchema'],
    [{ authentication: { type: 'API_KEY' } }, 'CREDENTIALS_INCOMPLETE', 'authentication.credentials.apiKey'],
    [{ authentication: { type: 'OAUTH2', credentials: { clientId: 'x', clientSecret: 'y' } } }, 'CREDENTIALS_INCOMPLETE', 'authentication.credentials.tokenUrl'],
    [{ authentication: { type: 'JWT', credentials: {} } }, 'CREDENTIALS_INCOMPLETE', 'authentication.credentials.token'],
  ];
  test.each(bad)('with %j is refused as %s before anybody is called, and the field %s is named', (wrong, code, field) => {
    expect(() => parseRegistration({ ...good, ...wrong } as Parameters<typeof parseRegistration>[0], ['gatekeeper'], null)).toThrow(expect.objectContaining({ code, field: `input.${field}` }));
  });
});

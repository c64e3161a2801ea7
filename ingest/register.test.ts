import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { UpstreamError } from '#core/errors.ts';
import { pushToken } from '#core/secrets.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { applyBatch } from './apply.ts';
import { register } from './register.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration, registrationOf } from './test-kit.ts';

let own: TestIngest;
beforeEach(async () => void (own = await openTestIngest()));
afterEach(() => own[Symbol.asyncDispose]());

const tables = ['hub.services', 'hub.event_ids', 'hub.known_facts', 'hub.rejected_facts', 'hub.domain_events', 'hub.handled_events', 'events.events', 'attendance.live', 'attendance.registrations', 'graphile_worker._private_jobs'];
const rows = async () => Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await own.count(table)] as const)));
const nothing = Object.fromEntries(tables.map((table) => [table, 0]));
const down = () => Promise.reject(new UpstreamError('status', 'The upstream answered 500.', { status: 500 }));

describe('a registration that goes well', () => {
  test('goes through its steps in order, and stores the service with what its first sync brought', async () => {
    const steps: string[] = [];
    own.upstream.checkHealth = async () => void steps.push('health');
    own.upstream.fetchSample = async () => (steps.push('sample'), { participants: 5 });
    let token = '';
    own.upstream.exchangeKeys = async ({ service }) => void (steps.push(`keys to ${service.endpoints.webhook}`), (token = pushToken(service.pushSecret)));
    own.upstream.pull = async function* () {
      steps.push('sync');
      yield { facts: [event(), registration('r1', 1)], rejected: [{ upstreamId: 'x', reason: 'odd', raw: 1 }], cursor: { page: 1 } };
      yield { facts: [registration('r2', 1)], rejected: [], cursor: { page: 2 } };
    };
    const result = await own.ingest.register(registrationOf({ dataSchema: { type: 'object', required: ['participants'] } }));
    const id = result.ok ? result.serviceId : '';
    expect(steps).toEqual(['health', 'sample', 'sync', `keys to http://hub.test/ingest/${id}?token=${token}`]);
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    const service = await own.hub.database.em().findOneOrFail(Service, { id });
    expect(service).toMatchObject({ name: 'A service', health: 'HEALTHY', state: 'ACTIVE', cursor: { page: 2 }, syncFacts: 3, syncRejected: 1, createdBy: 'key_admin', healthUrl: 'http://127.0.0.1:9/health' });
    expect(service.nextSyncAt.getTime() - own.clock.now.getTime()).toBe(60_000);
    const told = await query(own.hub.database.em(), `select type, service_id, payload from hub.domain_events where type = 'service.registered'`);
    expect(told).toEqual([{ type: 'service.registered', service_id: id, payload: { name: 'A service', product: 'fake', by: 'key_admin' } }]);
  });

  test('keeps credentials and the exchanged secret encrypted', async () => {
    let secret = '';
    own.upstream.exchangeKeys = async ({ service }) => void (secret = service.pushSecret);
    await own.ingest.register(registrationOf());
    const [row] = await query<Record<string, unknown>>(own.hub.database.em(), 'select * from hub.services');
    expect(secret.length).toBeGreaterThan(30);
    for (const clear of ['clear text key', secret]) expect(JSON.stringify(row)).not.toContain(clear);
    expect(own.hub.secrets.decrypt(String(row?.credentials))).toContain('clear text key');
  });

  test('with more than the first sync takes in goes on at once', async () => {
    own.upstream.pull = async function* () {
      for (let page = 0; ; page++) yield { facts: [event(), ...Array.from({ length: 10_000 }, (_, n) => registration(`${page}-${n}`, 1))], rejected: [], cursor: { page } };
    };
    const result = await own.ingest.register(registrationOf());
    expect(result.ok).toBe(true);
    const [service] = await own.hub.database.em().find(Service, {});
    expect([service?.nextSyncAt, service?.syncFacts]).toEqual([own.clock.now, 20_001]);
  });
});

describe('a registration fails at its step, says so with code and field, and leaves nothing', () => {
  const cases: readonly (readonly [string, string, string, string, () => Parameters<typeof registrationOf>[0]])[] = [
    ['settings that do not fit', 'SETTINGS', 'SETTINGS_INVALID', 'input.settings.eventId', () => ({ settings: {} })],
    ['a dataSchema that is none', 'SAMPLE', 'DATA_SCHEMA_INVALID', 'input.syncSettings.dataSchema', () => ({ dataSchema: { type: 'nonsense' } })],
    ['a dataSchema that would be judged later', 'SAMPLE', 'DATA_SCHEMA_INVALID', 'input.syncSettings.dataSchema', () => ({ dataSchema: { $async: true, type: 'object', required: ['missing'] } })],
    ['a health check that fails', 'HEALTH_CHECK', 'UPSTREAM_STATUS', 'input.endpoints.healthCheck', () => ((own.upstream.checkHealth = down), {})],
    ['credentials that the service does not take', 'HEALTH_CHECK', 'UPSTREAM_STATUS', 'input.authentication.credentials', () => ((own.upstream.checkHealth = () => Promise.reject(new UpstreamError('status', 'no', { status: 401 }))), {})],
    ['a sample that cannot be had', 'SAMPLE', 'UPSTREAM_STATUS', 'input.endpoints.api', () => ((own.upstream.fetchSample = down), {})],
    ['a sample that does not meet the dataSchema', 'SAMPLE', 'SAMPLE_INVALID', 'input.syncSettings.dataSchema', () => ({ dataSchema: { type: 'object', required: ['participants'] } })],
    ['an exchange of keys that fails', 'KEY_EXCHANGE', 'UPSTREAM_STATUS', 'input.endpoints.api', () => ((own.upstream.exchangeKeys = down), {})],
    ['a sync that breaks off in the middle', 'INITIAL_SYNC', 'UPSTREAM_STATUS', 'input.endpoints.api', () => {
      own.upstream.pull = async function* () {
        yield { facts: [event(), registration('r', 1)], rejected: [{ upstreamId: 'x', reason: 'odd', raw: 1 }], cursor: 1 };
        await down();
      };
      return {};
    }],
    ['a fault of the hub itself', 'INITIAL_SYNC', 'INTERNAL_SERVER_ERROR', 'input.endpoints.api', () => {
      own.upstream.pull = async function* () {
        yield { facts: [event()], rejected: [], cursor: BigInt(1) };
      };
      return {};
    }],
  ];
  test.each(cases)('%s', async (_what, step, code, field, arrange) => {
    const result = await own.ingest.register(registrationOf(arrange()));
    expect(result).toEqual({ ok: false, step, code, field, message: expect.stringMatching(/\S/) });
    expect(JSON.stringify(result)).not.toContain('clear text key');
    expect(await rows()).toEqual(nothing);
  });

  test('a health check that is slower than its limit', async () => {
    own.upstream.checkHealth = ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new UpstreamError('timeout', 'The upstream did not answer in time.'))));
    expect(await register(own.ingest, registrationOf(), { healthMs: 30, totalMs: 10_000 })).toMatchObject({ ok: false, step: 'HEALTH_CHECK', code: 'UPSTREAM_TIMEOUT', field: 'input.endpoints.healthCheck' });
    expect(await rows()).toEqual(nothing);
  });

  test('an event id that another service has', async () => {
    expect((await own.ingest.register(registrationOf())).ok).toBe(true);
    const before = await rows();
    const second = await own.ingest.register(registrationOf({ serviceName: 'Another' }));
    expect(second).toMatchObject({ ok: false, step: 'INITIAL_SYNC', code: 'EVENT_ID_TAKEN', field: 'input.eventId' });
    expect(await rows()).toEqual(before);
  });

  test('an event id that another service has, before the upstream is told to push elsewhere', async () => {
    const exchanged = vi.spyOn(own.upstream, 'exchangeKeys');
    expect((await own.ingest.register(registrationOf())).ok).toBe(true);
    expect((await own.ingest.register(registrationOf())).ok).toBe(false);
    expect(exchanged).toHaveBeenCalledTimes(1);
  });

  test('and holds nothing open', async () => {
    const close = vi.fn();
    own.upstream.fetchSample = async ({ http }) => {
      const closeIt = http.close;
      Object.assign(http, { close: () => (close(), closeIt()) });
      await down();
    };
    await own.ingest.register(registrationOf());
    expect(close).toHaveBeenCalledTimes(1);
  });
});

test('of two registrations of one event at the same moment, one is stored', async () => {
  const results = await Promise.all([own.ingest.register(registrationOf()), own.ingest.register(registrationOf())]);
  expect(results.map(({ ok }) => ok).toSorted()).toEqual([false, true]);
  expect(await own.count('hub.services')).toBe(1);
});

describe('a service that was registered with a key for some events', () => {
  const of = (eventId: string) => event({ eventId, upstreamId: eventId });
  const owners = async () => Object.fromEntries((await query<{ event_id: string; service_id: string }>(own.hub.database.em(), 'select event_id, service_id from hub.event_ids')).map((row) => [row.event_id, row.service_id]));

  test('brings these alone: what it tells of others is kept aside with the reason, and their ids stay free', async () => {
    own.upstream.pull = async function* () {
      yield { facts: [of('mine'), checkIn('c1', 1, 'ENTRY', 'ann', '', 'mine'), of('free'), checkIn('c2', 1, 'ENTRY', 'ann', '', 'free')], rejected: [], cursor: 1 };
    };
    const result = await own.ingest.register(registrationOf({ settings: { eventId: 'mine' }, eventAccess: ['mine', 'more'] }));
    const id = result.ok ? result.serviceId : '';
    expect(await owners()).toEqual({ mine: id });
    expect(await query(own.hub.database.em(), 'select upstream_id, reason from hub.rejected_facts order by 1')).toEqual(['checkIn:c2', 'event:free'].map((upstream_id) => ({ upstream_id, reason: expect.stringMatching(/^EVENT_NOT_ALLOWED: the event free /) })));
    own.upstream.pull = async function* () {
      yield { facts: [of('free')], rejected: [], cursor: 1 };
    };
    expect((await own.ingest.register(registrationOf({ settings: { eventId: 'free' } }))).ok).toBe(true);
  });

  test.each([['nobody’s', false], ['another service’s', true]])('is not registered where it tells of others alone, and is told the same where they are %s', async (_whose, isTaken) => {
    if (isTaken) await own.ingest.register(registrationOf());
    const before = await rows();
    const wanted = registrationOf({ settings: { eventId: 'mine' }, eventAccess: ['mine'] });
    expect([await own.ingest.register(wanted), (await own.ingest.preview(wanted)).failure]).toMatchObject(Array.from({ length: 2 }, () => ({ step: 'INITIAL_SYNC', code: 'EVENT_NOT_ALLOWED', message: expect.stringContaining('e1') })));
    expect(await rows()).toEqual(before);
  });

  test.each([[{ eventId: 'theirs' }, 'input.settings.eventId'], [{ eventId: 'mine', eventIds: { a: 'mine', 'b/2': 'theirs' } }, 'input.settings.eventIds.b/2']])('is called by nobody where its settings %j name another', async (settings, field) => {
    const called = vi.spyOn(own.upstream, 'checkHealth');
    const wanted = registrationOf({ settings, eventAccess: ['mine'] });
    expect([await own.ingest.register(wanted), (await own.ingest.preview(wanted)).failure]).toMatchObject(Array.from({ length: 2 }, () => ({ step: 'SETTINGS', code: 'EVENT_NOT_ALLOWED', field })));
    expect(called).not.toHaveBeenCalled();
  });

  test('whatever services tell in whatever order, an id is of the first that told it and may claim it', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const services = ['svc_1', 'svc_2', 'svc_3'];
    for (const each of services) await own.addService(each);
    const access = fc.option(fc.subarray(ids));
    await fc.assert(
      fc.asyncProperty(fc.tuple(access, access, access), fc.array(fc.tuple(fc.nat(2), fc.shuffledSubarray(ids, { minLength: 1 })), { size: 'max', maxLength: 6 }), async (lists, told) => {
        await query(own.hub.database.em(), 'delete from hub.event_ids');
        for (const [index, list] of lists.entries()) await query(own.hub.database.em(), 'update hub.services set event_access = $2 where id = $1', [services[index], list]);
        const expected: Record<string, string> = {};
        for (const [index, named] of told) {
          const serviceId = services[index] ?? '';
          const list = lists[index] ?? null;
          const { rejected } = await applyBatch(own.ingest, { serviceId, facts: named.map(of), rejected: [] });
          for (const each of named) if (list === null || list.includes(each)) expected[each] ??= serviceId;
          expect(new Map(rejected.map(({ upstreamId, reason }) => [upstreamId, reason.split(':')[0]]))).toEqual(
            new Map(named.filter((each) => expected[each] !== serviceId).map((each) => [`event:${each}`, list === null || list.includes(each) ? 'EVENT_NOT_OWNED' : 'EVENT_NOT_ALLOWED'])),
          );
        }
        expect(await owners()).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });
});

/** What is done to registered services: what a change leaves, also one that fails or comes in the middle of something. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConnectorContext } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { applyBatch } from './apply.ts';
import { pullService } from './pull.ts';
import { finishRotation, overlapMs, recoverRotation, retirePushSecrets } from './rotate.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration, registrationOf } from './test-kit.ts';

let own: TestIngest;
let id: string;
beforeEach(async () => {
  own = await openTestIngest();
  const result = await own.ingest.register(registrationOf());
  id = result.ok ? result.serviceId : '';
});
afterEach(() => own[Symbol.asyncDispose]());

const by = 'key_admin';
const all = { by, events: 'all' } as const;
const never = new AbortController().signal;
const em = () => own.hub.database.em();
const service = () => em().findOneOrFail(Service, { id });
const administration = () => own.ingest.administration;
const told = async () => (await query<{ type: string; payload: Record<string, unknown> }>(em(), `select type, payload from hub.domain_events where type like 'service.%' and type <> 'service.registered' order by id`)).map(({ type, payload }) => [type, payload] as const);
const jobs = async () => (await query<{ key: string }>(em(), `select key from graphile_worker._private_jobs where key like '%' || $1 order by key`, [id])).map(({ key }) => key.split(':')[0]);
const down = (status = 500) => new UpstreamError('status', `The upstream answered ${status}.`, { status });
const secretsNow = async () => own.ingest.contextFor(await service(), never).service.pushSecrets;

describe('asking for news', () => {
  test('queues a pull and is told of; of everything, the next pull begins anew', async () => {
    expect(await administration().requestSync(id, { full: true, by })).toEqual({ ok: true });
    expect(await jobs()).toEqual(['pull']);
    const asked: unknown[] = [];
    own.upstream.pull = async function* (_context, cursor) {
      asked.push(cursor);
      yield { facts: [], rejected: [], cursor: { at: 2 } };
    };
    await pullService(own.ingest, id, never);
    await pullService(own.ingest, id, never);
    expect(asked).toEqual([null, { at: 2 }]);
    expect(await told()).toEqual([['service.sync_requested', { name: 'A service', by, full: true }]]);
  });

  test('is refused for a paused service and for one that is not there, by code and field', async () => {
    await administration().pause(id, by);
    expect(await administration().requestSync(id, { full: false, by })).toMatchObject({ ok: false, step: null, code: 'SERVICE_PAUSED', field: 'input.serviceId' });
    expect(await administration().requestSync('svc_none', { full: false, by })).toMatchObject({ ok: false, code: 'SERVICE_UNKNOWN', field: 'input.serviceId' });
  });
});

describe('a paused service', () => {
  test('is not called: what waits is taken back, and a pull on its way stores nothing more', async () => {
    await administration().requestSync(id, { full: false, by });
    own.upstream.pull = async function* () {
      await administration().pause(id, by);
      yield { facts: [registration('r', 1)], rejected: [], cursor: 'paused' };
    };
    await pullService(own.ingest, id, never);
    expect([await service(), await own.count('attendance.registrations')]).toMatchObject([{ state: 'PAUSED', cursor: { at: 1 }, health: 'HEALTHY', lastError: null }, 0]);
    expect(await jobs()).toEqual([]);
    const pull = vi.spyOn(own.upstream, 'pull');
    await pullService(own.ingest, id, never);
    expect(pull).not.toHaveBeenCalled();
  });

  test('may push all the same, and is pulled when it is resumed; each is told once', async () => {
    await administration().pause(id, by);
    await administration().pause(id, by);
    expect((await applyBatch(own.ingest, { serviceId: id, revision: (await service()).revision, facts: [checkIn('c1', 1)], rejected: [] })).facts).toBe(1);
    await administration().resume(id, by);
    await administration().resume(id, by);
    expect([(await service()).state, await jobs()]).toEqual(['ACTIVE', ['pull']]);
    expect((await told()).map(([type]) => type)).toEqual(['service.paused', 'service.resumed']);
  });
});

describe('a change', () => {
  const change = (update: Parameters<TestIngest['ingest']['administration']['update']>[1]) => administration().update(id, update, all);

  test('is tried before it is stored: with the new credentials, while the old ones stand', async () => {
    const seen: unknown[] = [];
    own.upstream.checkHealth = async ({ service: tried }) => void seen.push(tried.credentials, own.hub.secrets.decrypt((await service()).credentials));
    expect(await change({ credentials: { type: 'api_key', apiKey: 'the new key' } })).toEqual({ ok: true });
    expect(seen).toEqual([{ type: 'api_key', apiKey: 'the new key' }, JSON.stringify({ type: 'api_key', apiKey: 'clear text key' })]);
    expect(own.hub.secrets.decrypt((await service()).credentials)).toContain('the new key');
    expect(await told()).toEqual([['service.updated', { name: 'A service', product: 'fake', by, changed: ['credentials'] }]]);
    expect(JSON.stringify(await told())).not.toContain('the new key');
  });

  test('that fails at a step says so and leaves all as it was', async () => {
    const before = JSON.stringify(await service());
    expect(await change({ settings: { eventId: 5 } })).toMatchObject({ ok: false, step: 'SETTINGS', code: 'SETTINGS_INVALID', field: 'input.settings.eventId' });
    expect(await change({ dataSchema: { type: 'nonsense' } })).toMatchObject({ ok: false, step: 'SAMPLE', code: 'DATA_SCHEMA_INVALID', field: 'input.syncSettings.dataSchema' });
    expect(await change({ dataSchema: { type: 'object', required: ['b'] } })).toMatchObject({ ok: false, step: 'SAMPLE', code: 'SAMPLE_INVALID' });
    own.upstream.checkHealth = () => Promise.reject(down());
    expect(await change({ credentials: { type: 'none' } })).toMatchObject({ ok: false, step: 'HEALTH_CHECK', code: 'UPSTREAM_STATUS', field: 'input.endpoints.healthCheck' });
    expect([JSON.stringify(await service()), await told()]).toEqual([before, []]);
  });

  test('of the address exchanges a secret of its own; the one before is good for a while; all is read again', async () => {
    const [old] = await secretsNow();
    let exchanged: ConnectorContext['service'] | undefined;
    own.upstream.exchangeKeys = async ({ service: to }) => void (exchanged = to);
    expect(await change({ endpoints: { api: 'http://127.0.0.1:10' }, credentials: { type: 'none' } })).toEqual({ ok: true });
    expect(exchanged?.endpoints.api).toBe('http://127.0.0.1:10');
    expect(await secretsNow()).toEqual([exchanged?.pushSecret, old]);
    expect(await service()).toMatchObject({ apiUrl: 'http://127.0.0.1:10', healthUrl: 'http://127.0.0.1:10/health', cursor: null });
  });

  test.each([{ api: 'http://127.0.0.1:10' }, { healthCheck: 'http://elsewhere.test/health' }])('to another host needs the credentials anew: %o calls nobody', async (endpoints) => {
    const called = vi.spyOn(own.upstream, 'checkHealth');
    expect(await change({ endpoints })).toMatchObject({ ok: false, code: 'CREDENTIALS_NEEDED', field: 'input.authentication' });
    expect(called).not.toHaveBeenCalled();
    expect(await change({ endpoints: { api: 'http://127.0.0.1:9/v2' } })).toEqual({ ok: true });
  });

  test('to another host needs anew also what pushes alone are signed with', async () => {
    expect(await change({ credentials: { type: 'none', webhookSecret: 'shared' } })).toEqual({ ok: true });
    expect(await change({ endpoints: { api: 'http://127.0.0.1:10' } })).toMatchObject({ ok: false, code: 'CREDENTIALS_NEEDED', field: 'input.authentication' });
  });

  test('of the events that a service may bring widens it; what was refused before comes in when it is tried again, however much it is, and what it has it keeps', async () => {
    expect(await change({ eventAccess: [] })).toEqual({ ok: true });
    const told = [event({ eventId: 'e2', upstreamId: 'e2' }), ...Array.from({ length: 600 }, (_, n) => checkIn(`c${n}`, 1, 'ENTRY', `p${n}`, '', 'e2')), checkIn('own', 1)];
    await applyBatch(own.ingest, { serviceId: id, facts: told, rejected: [] });
    expect([await own.count('hub.rejected_facts'), await own.count('attendance.check_ins'), (await service()).eventAccess]).toEqual([601, 1, []]);
    expect((await service()).resync).toBe(null);
    expect(await change({ eventAccess: ['e1', 'e2'] })).toEqual({ ok: true });
    // Read anew as well: of what has one upstream id at two events, one was kept.
    expect((await service()).resync).toBe('ASKED');
    expect(await own.ingest.retryRejected(id, null, by)).toEqual({ recovered: 601, rejected: 0, resync: false });
    expect(await own.count('attendance.check_ins')).toBe(601);
  });

  test('with a key for some events that decides what a service claims leaves it no more than the key allows', async () => {
    const some = { by, events: new Set(['e1', 'e2']) };
    const changeSome = (update: Parameters<typeof change>[0]) => administration().update(id, update, some);
    expect(await changeSome({ serviceName: 'Renamed', syncInterval: 90 })).toEqual({ ok: true });
    for (const update of [{ settings: { eventId: 'e1' } }, { endpoints: { api: 'http://127.0.0.1:9/v2' } }, { credentials: { type: 'none' } as const }]) {
      expect(await changeSome(update)).toMatchObject({ ok: false, code: 'EVENT_ACCESS_NEEDED', field: 'input.eventAccess' });
      for (const eventAccess of [null, ['e1', 'e3']]) expect(await changeSome({ ...update, eventAccess })).toMatchObject({ ok: false, code: 'EVENT_NOT_ALLOWED', field: 'input.eventAccess' });
    }
    expect(await changeSome({ settings: { eventId: 'e1' }, eventAccess: ['e1'] })).toEqual({ ok: true });
    expect(await changeSome({ settings: { eventId: 'e2' } })).toMatchObject({ ok: false, step: 'SETTINGS', code: 'EVENT_NOT_ALLOWED', field: 'input.settings.eventId' });
    // With a key for all events it becomes neither wider nor narrower, unless that is said.
    expect(await change({ credentials: { type: 'none' } })).toEqual({ ok: true });
    expect((await service()).eventAccess).toEqual(['e1']);
    expect((await told()).at(1)).toMatchObject(['service.updated', { changed: ['settings', 'eventAccess'] }]);
  });

  test('of settings while a new secret is exchanged leaves the upstream with the one that becomes the secret', async () => {
    let upstreamHas = '';
    own.upstream.exchangeKeys = async ({ service: to }) => {
      const isRotation = upstreamHas === '';
      upstreamHas = to.pushSecret;
      if (isRotation) expect(await change({ settings: { eventId: 'e2' } })).toEqual({ ok: true });
    };
    expect(await administration().rotatePushSecret(id, all)).toEqual({ ok: true });
    expect((await secretsNow())[0]).toBe(upstreamHas);
  });

  test('of the address takes the new secret before the upstream is told it, and promises to rotate should the hub not come to store it', async () => {
    const [old] = await secretsNow();
    const before = await service();
    const seen: unknown[] = [];
    own.upstream.exchangeKeys = async ({ service: to }) => {
      seen.push(to.pushSecret, await secretsNow(), await jobs());
      throw down(to.endpoints.api === before.apiUrl ? 500 : 403);
    };
    expect(await change({ endpoints: { api: 'http://127.0.0.1:10' }, credentials: { type: 'none' } })).toMatchObject({ ok: false, step: 'KEY_EXCHANGE' });
    expect(seen.slice(0, 3)).toEqual([expect.any(String), [old, seen[0]], ['restore']]);
    // The old one could not be exchanged again either: the promise stands.
    expect(await jobs()).toEqual(['restore']);
    own.upstream.exchangeKeys = async () => undefined;
    expect(await change({ endpoints: { api: 'http://127.0.0.1:10' }, credentials: { type: 'none' } })).toEqual({ ok: true });
    expect(await jobs()).toEqual(['pull', 'retire']);
  });

  test('whose exchange fails gives the upstream the old secret again', async () => {
    const before = JSON.stringify(await service());
    const [old] = await secretsNow();
    const given: string[] = [];
    own.upstream.exchangeKeys = async ({ service: to }) => {
      given.push(to.pushSecret);
      if (given.length === 1) throw down();
    };
    expect(await change({ endpoints: { api: 'http://127.0.0.1:10' }, credentials: { type: 'none' } })).toMatchObject({ ok: false, step: 'KEY_EXCHANGE' });
    expect([given[1], given.length, JSON.stringify(await service()), await jobs()]).toEqual([old, 2, before, []]);
  });

  test('in the middle of a pull: what was read under the old configuration is not stored, and a pull under the new one follows', async () => {
    own.upstream.pull = async function* () {
      await change({ settings: { eventId: 'e2' } });
      yield { facts: [registration('old', 1)], rejected: [], cursor: 'old' };
    };
    await pullService(own.ingest, id, never);
    expect([await own.count('attendance.registrations'), (await service()).cursor, await jobs()]).toEqual([0, null, ['pull']]);
    expect(await service()).toMatchObject({ health: 'HEALTHY', lastError: null, syncError: null });
  });

  test('of two at once, one wins and the other is told to look again', async () => {
    let waiting = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    own.upstream.checkHealth = async () => {
      if (++waiting === 2) resolve();
      await promise;
    };
    const results = await Promise.all(['one', 'two'].map((apiKey) => change({ credentials: { type: 'api_key', apiKey } })));
    expect(results.map((result) => (result.ok ? 'ok' : result.code)).toSorted()).toEqual(['SERVICE_CHANGED', 'ok']);
  });
});

describe('a rotation of the secret for pushes', () => {
  test('takes the new one as soon as it is told, and the one before for ten minutes more', async () => {
    const [old] = await secretsNow();
    let during: readonly string[] = [];
    let given = '';
    own.upstream.exchangeKeys = async ({ service: to }) => void ([given, during] = [to.pushSecret, await secretsNow()]);
    expect(await administration().rotatePushSecret(id, all)).toEqual({ ok: true });
    expect(during).toEqual([old, given]);
    expect(await secretsNow()).toEqual([given, old]);
    own.clock.now = new Date(own.clock.now.getTime() + overlapMs);
    expect(await secretsNow()).toEqual([given]);
    await retirePushSecrets(own.ingest, id, never);
    expect((await service()).previousPushSecrets).toEqual([]);
    expect(await told()).toEqual([['service.push_secret_rotated', { name: 'A service', by }]]);
  });

  test('is for whoever may see all that the service may bring: with the address that is told, all of it can be pushed', async () => {
    const before = JSON.stringify(await service());
    const some = { by, events: new Set(['e1']) };
    expect(await administration().rotatePushSecret(id, some)).toMatchObject({ ok: false, code: 'EVENT_ACCESS_NEEDED', field: 'input.serviceId' });
    expect([JSON.stringify(await service()), await jobs(), await told()]).toEqual([before, [], []]);
    for (const [eventAccess, ok] of [[['e1', 'e2'], false], [['e1'], true]] as const) {
      await administration().update(id, { eventAccess }, all);
      expect((await administration().rotatePushSecret(id, some)).ok).toBe(ok);
    }
  });

  test('that the upstream refuses changes nothing', async () => {
    const before = await secretsNow();
    own.upstream.exchangeKeys = () => Promise.reject(down(403));
    expect(await administration().rotatePushSecret(id, all)).toMatchObject({ ok: false, step: 'KEY_EXCHANGE', code: 'UPSTREAM_STATUS' });
    expect([await secretsNow(), (await service()).nextPushSecret]).toEqual([before, null]);
  });

  test('whose answer is lost, or whose process died, is finished by its job; until then both are good', async () => {
    const [old] = await secretsNow();
    const given: string[] = [];
    own.upstream.exchangeKeys = async ({ service: to }) => {
      given.push(to.pushSecret);
      if (given.length === 1) throw new UpstreamError('timeout', 'The upstream did not answer in time.');
    };
    expect(await administration().rotatePushSecret(id, all)).toMatchObject({ ok: false, code: 'UPSTREAM_TIMEOUT' });
    expect([await secretsNow(), await jobs()]).toEqual([[old, given[0]], ['rotate']]);
    await finishRotation(own.ingest, id, by, never);
    expect([given[1], await secretsNow()]).toEqual([given[0], [given[0], old]]);
  });
});

describe('an address that a person has to tell', () => {
  test('is replaced by no job, as nobody would be told the new one: neither after a rotation that nobody ended nor after a change', async () => {
    const before = await secretsNow();
    own.upstream.exchangeKeys = () => Promise.reject(new UpstreamError('timeout', 'The upstream did not answer in time.'));
    expect(await administration().rotatePushSecret(id, all)).toMatchObject({ ok: false, code: 'UPSTREAM_TIMEOUT' });
    own.upstream.exchangeKeys = async () => undefined;
    own.upstream.needsPushUrl = true;
    for (const isNew of [false, true]) await recoverRotation(own.ingest, { serviceId: id, by, isNew }, never);
    expect([await secretsNow(), (await service()).nextPushSecret, await told()]).toEqual([before, null, []]);
    const exchange = vi.spyOn(own.upstream, 'exchangeKeys');
    expect(await administration().update(id, { settings: { eventId: 'e2' } }, all)).toEqual({ ok: true });
    expect(exchange).not.toHaveBeenCalled();
  });
});

describe('a removal', () => {
  const credentials = async () => own.hub.secrets.decrypt((await service()).credentials);

  test('without the data keeps events readable as they were last known, and nothing secret', async () => {
    await applyBatch(own.ingest, { serviceId: id, facts: [registration('r', 1), checkIn('c', 1)], rejected: [{ upstreamId: 'x', reason: 'odd', raw: 1 }] });
    expect(await administration().remove(id, { withData: false, by })).toEqual({ ok: true, keysWithdrawn: null });
    expect(await service()).toMatchObject({ state: 'REMOVED', health: 'DOWN', settings: {} });
    expect(await credentials()).toBe('{"type":"none"}');
    expect([await own.count('events.events'), await own.count('attendance.check_ins'), await own.count('hub.rejected_facts'), await own.count('attendance.live where is_retired')]).toEqual([1, 1, 0, 1]);
    await expect(applyBatch(own.ingest, { serviceId: id, facts: [checkIn('late', 2)], rejected: [] })).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
    await expect(own.ingest.connect(id, never)).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
    for (const act of [() => administration().resume(id, by), () => administration().update(id, { serviceName: 'x' }, all), () => administration().remove(id, { withData: false, by })]) expect(await act()).toMatchObject({ ok: false, code: 'SERVICE_UNKNOWN' });
    expect(await own.ingest.register(registrationOf())).toMatchObject({ ok: false, code: 'EVENT_ID_TAKEN' });
  });

  test('with the data, also later, frees its event ids, ends its pulls and leaves only what the audit log is made of', async () => {
    await administration().remove(id, { withData: false, by });
    expect(await administration().remove(id, { withData: true, by })).toMatchObject({ ok: true });
    for (const table of ['hub.services', 'hub.event_ids', 'hub.known_facts', 'events.events', 'attendance.live', 'hub.sync_minutes']) expect([table, await own.count(table)]).toEqual([table, 0]);
    expect((await told()).map(([type, { withData }]) => [type, withData])).toEqual([['service.removed', false], ['service.removed', true]]);
    expect((await own.ingest.register(registrationOf())).ok).toBe(true);
  });

  test('in the middle of a pull leaves nothing of what that brings', async () => {
    own.upstream.pull = async function* () {
      yield { facts: [registration('r', 1)], rejected: [], cursor: 1 };
      await administration().remove(id, { withData: true, by });
      yield { facts: [event(), registration('r2', 1)], rejected: [], cursor: 2 };
    };
    await pullService(own.ingest, id, never);
    for (const table of ['hub.services', 'hub.event_ids', 'attendance.registrations', 'hub.sync_minutes']) expect([table, await own.count(table)]).toEqual([table, 0]);
  });
});

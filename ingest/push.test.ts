/** The door for pushes, over the gate system's own connector. */
import { createHmac } from 'node:crypto';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Connector, PushResult } from '#core/connector.ts';
import { query } from '#core/sql.ts';
import { asker, viewerOf } from '#core/testing-hub.ts';
import { createCustomSimulator } from '#simulators/custom/index.ts';
import { subgraph as custom } from '#subgraphs/custom/index.ts';
import { list } from '#subgraphs/custom/test-connector.ts';
import { subgraph as events } from '#subgraphs/events/index.ts';
import { subgraph as gatekeeper } from '#subgraphs/gatekeeper/index.ts';
import { applyBatch } from './apply.ts';
import { mostBytes, mostPushes } from './push-room.ts';
import { pushRoutes } from './push.ts';
import { type TestIngest, event, openTestIngest, registrationOf, totalsOf } from './test-kit.ts';

/** A product whose pushes are judged when the test says so. */
let judged = Promise.resolve();
const slow: Connector<unknown> = { product: 'slow', settings: z.unknown(), checkHealth: async () => undefined, fetchSample: async () => undefined, async *pull() {}, receive: () => judged.then((): PushResult => ({ kind: 'facts', facts: [], rejected: [] })) };

let own: TestIngest;
let app: FastifyInstance;
const begin = new Date('2024-06-01T09:00:00Z');
const period = { start: begin.toISOString(), end: '2024-06-01T19:00:00Z' };

beforeAll(async () => {
  own = await openTestIngest({ more: [{ ...gatekeeper, applyFacts: undefined }, custom, { name: 'slow', connector: slow as Connector<never> }] });
  own.clock.now = new Date(begin.getTime() + 3_600_000);
  await own.addService();
  await query(own.hub.database.em(), `update hub.services set product = 'gatekeeper'`);
  await own.addService('svc_fake');
  await applyBatch(own.ingest, { serviceId: 'svc_test', facts: [event({ start: begin })], rejected: [] });
  app = fastify();
  await app.register(pushRoutes(own.ingest));
});
afterAll(async () => {
  await app.close();
  await own[Symbol.asyncDispose]();
});

const checkInOf = (id: string, more = {}) => ({ id, badgeId: `badge ${id}`, gateId: 'g', direction: 'entry', at: begin.toISOString(), ...more });
const body = (checkIns: readonly unknown[], more = {}) => JSON.stringify({ event: 'attendance_checkin', eventId: 'e1', eventPeriod: period, data: { checkIns }, ...more });
const seconds = () => String(Math.floor(own.clock.now.getTime() / 1000));
const sign = (payload: string | Buffer, timestamp: string, secret = 'push secret') => `sha256=${createHmac('sha256', secret).update(`${timestamp}.`).update(payload).digest('hex')}`;
type Sent = { readonly timestamp?: string; readonly signature?: string; readonly type?: string; readonly to?: string };
const push = async (payload: string | Buffer, { timestamp = seconds(), signature = sign(payload, timestamp), type = 'application/json', to = 'svc_test' }: Sent = {}) => {
  const response = await app.inject({ method: 'POST', url: `/ingest/${to}`, payload, headers: { 'content-type': type, 'x-webhook-timestamp': timestamp, ...(signature && { 'x-webhook-signature': signature }) } });
  return { status: response.statusCode, json: response.json<{ accepted?: boolean; facts?: number; rejected?: number; error?: { code: string; field?: string } }>() };
};
const inside = async () => (await totalsOf(own))?.current ?? 0;
const refused = async (status: number, code: string, ...args: Parameters<typeof push>) => {
  const before = await inside();
  expect(await push(...args)).toMatchObject({ status, json: { error: { code } } });
  expect(await inside()).toBe(before);
};

describe('a push', () => {
  test('that is signed and fresh is stored before it is answered', async () => {
    const before = await inside();
    expect(await push(body([checkInOf('a'), checkInOf('b')]))).toEqual({ status: 200, json: { accepted: true, facts: 2, rejected: 0 } });
    expect(await inside()).toBe(before + 2);
  });

  test('that comes twice counts once', async () => {
    const before = await inside();
    const payload = body([checkInOf('twice')]);
    const answers = await Promise.all([push(payload), push(payload), push(payload)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await push(payload);
    expect(await inside()).toBe(before + 1);
  });

  test('keeps nobody\'s name: participants are hashed, and what is odd is kept encrypted', async () => {
    await push(body([checkInOf('named', { badgeId: 'Ann Example' }), checkInOf('odd', { badgeId: 'Bob Example', at: '2031-01-01T00:00:00Z' })]));
    const dump = JSON.stringify(await Promise.all(['attendance.check_ins', 'hub.rejected_facts', 'hub.domain_events', 'hub.known_facts'].map((table) => query(own.hub.database.em(), `select * from ${table}`))));
    expect(dump).toContain(own.hub.secrets.hashParticipant('svc_test', 'Ann Example'));
    expect(dump).not.toMatch(/Example/);
  });

  test('with some odd items is stored without them, and says how many', async () => {
    expect(await push(body([checkInOf('fine'), checkInOf('late', { at: '2031-01-01T00:00:00Z' }), { id: 'half' }]))).toMatchObject({ status: 200, json: { facts: 1, rejected: 2 } });
  });

  test('that is but a hint makes the hub ask', async () => {
    expect(await push(body([], { data: {} }))).toEqual({ status: 202, json: { accepted: true } });
    expect(await query(own.hub.database.em(), `select key from graphile_worker._private_jobs where key like 'pull:%'`)).toEqual([{ key: 'pull:svc_test' }]);
  });

  test('that is but a hint makes the hub ask at most once a second', async () => {
    const jobAfter = async (began: string) => {
      await query(own.hub.database.em(), `update hub.services set sync_started_at = ${began} where id = 'svc_test'`);
      for (let told = 0; told < 3; told++) await push(body([], { data: {} }));
      const jobs = await query<{ after: number; isDue: boolean }>(own.hub.database.em(), `select extract(epoch from run_at - s.sync_started_at)::float8 as after, run_at <= now() as "isDue" from graphile_worker._private_jobs, hub.services s where key = 'pull:svc_test' and s.id = 'svc_test'`);
      expect(jobs).toHaveLength(1);
      return jobs[0];
    };
    // As if the last pull had begun just now, however slow this test is.
    expect((await jobAfter(`now() + interval '1 minute'`))?.after).toBeCloseTo(1, 2);
    expect((await jobAfter(`now() - interval '1 minute'`))?.isDue).toBe(true);
  });

  test('without a signature, or with another secret\'s, another body\'s or another moment\'s, is refused', async () => {
    const payload = body([checkInOf('forged')]);
    const at = seconds();
    for (const signature of ['', 'sha256=', 'sha256=zz', sign(payload, at, 'another secret'), sign(`${payload} `, at), sign(payload, String(Number(at) - 1)), sign(payload, at).toUpperCase(), sign(payload, at).slice(7)]) await refused(401, 'PUSH_SIGNATURE_INVALID', payload, { signature });
  });

  test('that is older or newer than five minutes is refused, however well signed', async () => {
    for (const timestamp of [Number(seconds()) - 301, Number(seconds()) + 301, Number(seconds()) - 365 * 86_400, 'now', '']) await refused(401, 'PUSH_TIMESTAMP_INVALID', body([checkInOf('old')]), { timestamp: String(timestamp) });
    const payload = body([checkInOf('just in time')]);
    expect((await push(payload, { timestamp: String(Number(seconds()) - 300) })).status).toBe(200);
  });

  test('is judged by its raw bytes: the same JSON written otherwise has another signature', async () => {
    const payload = body([checkInOf('bytes')]);
    await refused(401, 'PUSH_SIGNATURE_INVALID', JSON.stringify(JSON.parse(payload), null, 1), { signature: sign(payload, seconds()) });
    expect((await push(payload, { type: 'text/plain' })).status).toBe(200);
  });

  test('that is not as documented is refused, and the field is named', async () => {
    for (const payload of ['', '{"event":', '[]', '<html>', Buffer.from([0xff, 0xfe, 0]), JSON.stringify({ event: 5, eventId: 'e1', data: {} })]) await refused(400, 'PUSH_MALFORMED', payload);
    expect((await push(body([], { eventId: 'another' }))).json.error).toMatchObject({ code: 'PUSH_MALFORMED', field: 'eventId' });
  });

  test('whose type is none is refused', async () => {
    const response = await app.inject({ method: 'POST', url: '/ingest/svc_test', payload: body([]), headers: { 'content-type': ';' } });
    expect([response.statusCode, response.json<{ error: { code: string } }>().error.code]).toEqual([400, 'PUSH_MALFORMED']);
  });

  test('that is too large is refused before it is read', async () => {
    await refused(413, 'PUSH_TOO_LARGE', Buffer.alloc(5 * 1024 * 1024 + 1, 32));
  });

  test('to a service that is not there, or cannot be, is refused', async () => {
    for (const to of ['svc_unknown', 'svc%00', '%F0%9F%8E%AB', 'svc_test%27--']) await refused(404, 'SERVICE_UNKNOWN', body([]), { to });
  });

  test('to a service whose product does not push is refused', async () => {
    await refused(400, 'PUSH_MALFORMED', body([]), { to: 'svc_fake' });
  });
});

describe('pushes that wait for one whose mapping is slow', () => {
  const large = Buffer.alloc(5 * 1024 * 1024, 32);
  test.each([['bytes', large, Math.floor(mostBytes / large.length)], ['number', Buffer.from('{}'), mostPushes]])('are bounded by their %s: beyond, they are refused and told when to come again, and others are taken', async (_by, payload, most) => {
    for (const id of ['svc_slow', 'svc_other']) {
      await own.addService(id);
      await query(own.hub.database.em(), `update hub.services set product = 'slow' where id = $1`, [id]);
    }
    const send = (to: string, sent: Buffer) => app.inject({ method: 'POST', url: `/ingest/${to}`, payload: sent, headers: { 'content-type': 'application/json' } });
    let judge = () => undefined as void;
    judged = new Promise((resolve) => (judge = resolve));
    const sent = Array.from({ length: most + 3 }, () => send('svc_slow', payload));
    // Those beyond are answered while those within wait.
    const refusedFirst = await Promise.race(sent);
    expect([refusedFirst.statusCode, refusedFirst.headers['retry-after'], refusedFirst.json<{ error: { code: string } }>().error.code]).toEqual([503, '1', 'INBOX_FULL']);
    const other = send('svc_other', payload);
    judge();
    const statuses = (await Promise.all(sent)).map(({ statusCode }) => statusCode);
    expect([statuses.filter((each) => each === 200).length, statuses.filter((each) => each === 503).length]).toEqual([most, 3]);
    expect([(await other).statusCode, (await send('svc_slow', payload)).statusCode]).toEqual([200, 200]);
    await query(own.hub.database.em(), `delete from hub.services where id in ('svc_slow', 'svc_other')`);
  });
});

describe('the address with the token that verifies pushes', () => {
  const webhook = { verify: { by: 'token' }, items: 'answer.scans', mapping: list('scans').mapping };
  const tokenOf = (url: string | null | undefined) => new URL(String(url)).searchParams.get('token') ?? 'none';
  const pushTo = async (url: string | null | undefined) => {
    const { pathname, search } = new URL(String(url));
    return (await app.inject({ method: 'POST', url: pathname + search, payload: '{"answer": {"scans": []}}', headers: { 'content-type': 'application/json' } })).statusCode;
  };
  const everythingStored = async () => {
    const tables = await query<{ name: string }>(own.hub.database.em(), `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
    return JSON.stringify(await Promise.all(tables.map(({ name }) => query(own.hub.database.em(), `select * from ${name}`))));
  };

  test('is told once, to whoever registers the service or rotates its secret, and stands nowhere else', async () => {
    await using desk = await createCustomSimulator();
    desk.world.addHappening({ ref: 'token-fair' });
    const ask = asker(events, { ...own.hub, ingest: own.ingest });
    const manager = viewerOf(['manage_services', 'read_events']);
    const input = { product: 'custom', serviceName: 'Desk', endpoints: { api: desk.url }, settings: { resources: [list('happenings')], webhook } };
    const { data } = await ask<{ registerEventService: { service: { id: string }; pushUrl: string } }>('mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { service { id } pushUrl userErrors { message } } }', manager, { input });
    const { service, pushUrl } = data.registerEventService;
    const administer = async (mutation: string) => (await ask<Record<string, { pushUrl: string | null }>>(`mutation { ${mutation} { pushUrl userErrors { message } } }`, manager)).data;
    const rotated = (await administer(`rotatePushSecret(input: {serviceId: "${service.id}"})`)).rotatePushSecret?.pushUrl;
    expect(new Set([tokenOf(pushUrl), tokenOf(rotated), 'none']).size).toBe(3);
    expect([await pushTo(pushUrl), await pushTo(rotated), await pushTo(pushUrl.replace(/token=.*/, 'token=guessed')), await pushTo(pushUrl.replace(/\?.*/, ''))]).toEqual([200, 200, 401, 401]);
    expect(await administer(`pauseEventService(input: {serviceId: "${service.id}"})`)).toMatchObject({ pauseEventService: { pushUrl: null } });
    const shown = await ask(`{ eventService(id: "${service.id}") { endpoints { api healthCheck push } lastSync { error { message } } } }`, manager);
    expect(JSON.stringify(shown.data)).toContain(`/ingest/${service.id}`);
    for (const told of [JSON.stringify(shown), await everythingStored()]) for (const url of [pushUrl, rotated]) expect(told).not.toContain(tokenOf(url));
  });

  test('is told to nobody where the service signs, or is told by the hub', async () => {
    await using desk = await createCustomSimulator();
    const subscribe = { path: 'hooks', body: '{"target": $webhook.url}' };
    for (const [ref, declared] of [['signs', { ...webhook, verify: { by: 'hmac', header: 'X-Sign' } }], ['told', { ...webhook, subscribe }], ['none', undefined]] as const) {
      desk.world.happenings.splice(0);
      desk.world.addHappening({ ref });
      const registered = await own.ingest.register(registrationOf({ product: 'custom', endpoints: { api: desk.url, webhook: null, healthCheck: null }, credentials: { type: 'none', webhookSecret: 'its own' }, settings: { resources: [list('happenings')], ...(declared && { webhook: declared }) } }));
      expect(registered).toMatchObject({ ok: true, pushUrl: null });
    }
    expect(desk.hooks).toHaveLength(1);
  });
});

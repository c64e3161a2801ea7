/** What ingestion does for subgraphs that call their upstreams and work by jobs of their own. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Connector } from '#core/connector.ts';
import type { RecordFact } from '#core/facts.ts';
import { enqueue } from '#core/jobs.ts';
import { Service } from '#core/services.ts';
import type { Hub } from '#core/subgraph.ts';
import { event, openTestIngest, registrationOf } from './test-kit.ts';
import { startIngestWorker } from './worker.ts';

const settings = z.object({ eventId: z.string(), payments: z.object({ secretKey: z.string().startsWith('sk_'), api: z.url().optional() }) });
const connector: Connector<z.infer<typeof settings>> = {
  product: 'shop', settings, secretSettings: ['payments.secretKey'],
  checkHealth: async () => undefined,
  fetchSample: async () => ({}),
  async *pull() {
    yield { facts: [], rejected: [], cursor: null };
  },
};
const shop = { name: 'shop', connector: connector as Connector<unknown> as Connector<never> };

describe('secrets in settings', () => {
  test('are encrypted in the row, clear to the connector alone, checked as they were given, and needed anew for another host', async () => {
    await using it = await openTestIngest({ more: [shop] });
    const registration = registrationOf({ product: 'shop', settings: { eventId: 'e1', payments: { secretKey: 'sk_clear_text' } } });
    const result = await it.ingest.register(registration);
    if (!result.ok) throw new Error(result.message);
    const row = await it.hub.database.em().findOneOrFail(Service, { id: result.serviceId });
    expect(JSON.stringify(row)).not.toContain('sk_clear_text');
    const context = await it.ingest.connect(result.serviceId, AbortSignal.timeout(20_000));
    expect(context.service.settings).toEqual({ eventId: 'e1', payments: { secretKey: 'sk_clear_text' } });
    const change = (payments: object) => it.ingest.administration.update(result.serviceId, { settings: { payments } }, { by: null, events: 'all' });
    expect(await change({ api: 'https://elsewhere.test' })).toMatchObject({ ok: false, code: 'CREDENTIALS_NEEDED', field: 'input.settings.payments.secretKey' });
    expect(await change({ api: 'https://elsewhere.test', secretKey: 'sk_of_elsewhere' })).toEqual({ ok: true });
    expect(await it.ingest.register({ ...registration, settings: { eventId: 'e1', payments: { secretKey: 'x' } } })).toMatchObject({ ok: false, field: 'input.settings.payments.secretKey' });
  });
});

describe('a service that a subgraph calls', () => {
  test('is not found any more when it is gone', async () => {
    await using it = await openTestIngest();
    await expect(it.ingest.connect('svc_gone', AbortSignal.timeout(20_000))).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' });
  });
  test('has connections of its own for each host, the same at every call', async () => {
    await using it = await openTestIngest();
    await it.addService('a');
    const connect = async () => it.ingest.connect('a', AbortSignal.timeout(20_000));
    const [first, second] = [await connect(), await connect()];
    expect(first.http).toBe(second.http);
    expect(first.httpFor('payments')).toBe(second.httpFor('payments'));
    expect(new Set([first.http, first.httpFor('payments'), first.httpFor('geocoder')]).size).toBe(3);
  });
  test('may tell of what belongs to none of its events', async () => {
    const seen: RecordFact[] = [];
    await using it = await openTestIngest({ more: [{ name: 'shop', applyFacts: async (_em, facts) => (seen.push(...facts.filter((fact) => fact.kind === 'record')), []) }] });
    await it.addService('a');
    const artist: RecordFact = { kind: 'record', type: 'shop.artist', eventId: null, upstreamId: 'x', at: it.clock.now, data: { name: 'X' } };
    const foreign: RecordFact = { ...artist, eventId: 'not-its-own' };
    await it.ingest.takeIn('a', [event(), artist, foreign]);
    await it.ingest.takeIn('a', [artist]);
    expect(seen).toEqual([artist]);
  });
});

test('a subgraph’s job is done when the transaction that promised it commits, and may promise another', async () => {
  const payloads: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = async (payload: unknown, hub: Hub) => {
    payloads.push(payload);
    if (payloads.length === 2) resolve();
    else await enqueue(hub.database.em(), 'shop.settle', { id: 'second' });
  };
  await using it = await openTestIngest({ more: [{ name: 'shop', tasks: { 'shop.settle': settle } }] });
  await using _worker = await startIngestWorker({ ingest: it.ingest, hub: it.hub, tickMs: 20 });
  const rolledBack = it.hub.database.em().transactional(async (em) => {
    await enqueue(em, 'shop.settle', { id: 'never' });
    throw new Error('no');
  });
  await expect(rolledBack).rejects.toThrow('no');
  await it.hub.database.em().transactional((em) => enqueue(em, 'shop.settle', { id: 'first' }));
  await promise;
  expect(payloads).toEqual([{ id: 'first' }, { id: 'second' }]);
});

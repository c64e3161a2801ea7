import { once } from 'node:events';
import { createServer } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch, ConnectorContext } from '#core/connector.ts';
import { type Fact, fact as factSchema, factsOf } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import type { Knobs } from '#simulators/gatekeeper/faults.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { connector } from './connector.ts';
import type { GatekeeperSettings } from './upstream.ts';

const begin = Date.UTC(2024, 5, 1, 9);
const minute = 60_000;
const secret = 'the secret that was exchanged';
const details = {
  eventId: 'test-event', eventName: 'Test event', type: 'meetup', organizer: { organization: 'Org', contact: 'o@example.org' }, period: { start: begin, end: begin + 120 * minute },
  timezone: 'Asia/Seoul', region: 'asia-pacific', venue: { name: 'Hall', address: 'Street', latitude: 1, longitude: 2 }, public: true, registered: 300, gates: [{ id: 'gate-1', name: 'A' }, { id: 'gate-2', name: 'B' }], changes: [],
};

/** A gate system with one event, and what ingestion would hand to the connector. */
const start = async ({ allowPrivateAddresses = true, timeoutMs = 10_000, maxBytes = 4_000_000, apiKey = 'key', eventId = 'test-event', webhook = null as string | null, tells = {} as { timezone?: null }, timezone = null as string | null } = {}) => {
  const wall = createManualClock(begin);
  const simulator = await createGatekeeperSimulator({ plans: [{ ...details, ...tells }], apiKey: 'key', clock: { wall }, retry: { firstMs: 1, longestMs: 2, attempts: 3 } });
  const http = createUpstreamHttp({ allowPrivateAddresses, timeoutMs, maxBytes, retries: 0 });
  const api = simulator.endpoint('test-event');
  const context: ConnectorContext<GatekeeperSettings> = {
    service: { serviceId: 's1', serviceName: 'Gates', endpoints: { api, webhook, healthCheck: `${api}/health` }, credentials: { type: 'api_key', apiKey }, settings: { eventId, timezone }, pushSecret: secret, pushSecrets: [secret] },
    http, httpFor: () => http, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(wall.now()), signal: new AbortController().signal,
  };
  const pull = async (cursor: unknown = null) => {
    const batches: Batch[] = [];
    for await (const batch of connector.pull(context, cursor)) batches.push(batch);
    return { batches, facts: batches.flatMap(({ facts }) => facts), rejected: batches.flatMap(({ rejected }) => rejected), cursor: batches.at(-1)?.cursor };
  };
  return { wall, event: simulator.event('test-event'), context, pull, [Symbol.asyncDispose]: async () => void (await Promise.all([http.close(), simulator[Symbol.asyncDispose]()])) };
};

const idsOf = (facts: readonly Fact[]) => factsOf(facts, 'checkIn').map(({ upstreamId }) => upstreamId);
const observed = (facts: readonly Fact[]) => factsOf(facts, 'observation').map(({ totalRegistered, currentAttendees }) => ({ totalRegistered, currentAttendees }));

describe('a pull', () => {
  test('from the beginning tells the event, its gates, its check-ins and its totals, in words of the hub', async () => {
    await using gate = await start();
    gate.event.setGate('gate-1', 'open');
    const id = gate.event.pass({ badgeId: 'badge of a person' });
    const { facts, rejected } = await gate.pull();
    for (const fact of facts) expect(factSchema.parse(fact)).toEqual(fact);
    expect(rejected).toEqual([]);
    expect(facts.map(({ kind }) => kind)).toEqual(['event', 'checkIn', 'gate', 'gate', 'status', 'observation']);
    expect(facts[0]).toMatchObject({ product: 'GateEvent', eventId: 'test-event', name: 'Test event', start: new Date(begin), organizer: 'Org', public: true, region: 'asia-pacific' });
    expect(facts[1]).toMatchObject({ upstreamId: id, direction: 'ENTRY', gateId: 'gate-1', area: '', participant: 'hash of badge of a person' });
    expect(facts[2]).toMatchObject({ upstreamId: 'gate-1', name: 'A', status: 'OPEN', throughput: 1 });
    expect(observed(facts)).toEqual([{ totalRegistered: 300, currentAttendees: null }]);
  });
  test("of a gate system that tells no time zone has the registration's, and without one says what is missing", async () => {
    await using both = await start({ timezone: 'Europe/Berlin' });
    expect(factsOf((await both.pull()).facts, 'event')[0]?.timezone).toBe('Asia/Seoul');
    await using given = await start({ tells: { timezone: null }, timezone: 'Europe/Berlin' });
    expect(factsOf((await given.pull()).facts, 'event')[0]?.timezone).toBe('Europe/Berlin');
    await using neither = await start({ tells: { timezone: null } });
    await expect(neither.pull()).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE', facts: { field: 'event.timezone' } });
  });
  test('goes on after the last, also when there is nothing new: the event is still known up to now', async () => {
    await using gate = await start();
    gate.event.pass({ badgeId: 'a' });
    const first = await gate.pull();
    const second = await gate.pull(first.cursor);
    expect([idsOf(second.facts), observed(second.facts)]).toEqual([[], [{ totalRegistered: 300, currentAttendees: null }]]);
    const id = gate.event.pass({ badgeId: 'a', direction: 'exit' });
    const third = await gate.pull(second.cursor);
    expect(factsOf(third.facts, 'checkIn')).toMatchObject([{ upstreamId: id, direction: 'EXIT' }]);
  });
  test('of a gate system that forgot its log starts from the beginning', async () => {
    await using gate = await start();
    gate.event.passMany(5);
    const { cursor } = await gate.pull();
    gate.event.forget();
    const shorter = gate.event.pass({ badgeId: 'new' });
    const again = await gate.pull(cursor);
    expect(idsOf(again.facts)).toEqual([shorter]);
    gate.event.forget();
    gate.event.passMany(50);
    expect(idsOf((await gate.pull(again.cursor)).facts)).toHaveLength(50);
  });
  test('of 12,000 check-ins comes in batches of 5,000 at most, each once, and can be taken up at every batch', async () => {
    await using gate = await start();
    gate.event.passMany(12_000);
    const { batches, facts } = await gate.pull();
    expect(Math.max(...batches.map((batch) => batch.facts.length))).toBeLessThanOrEqual(5_000);
    expect(new Set(idsOf(facts)).size).toBe(12_000);
    expect(idsOf(facts)).toHaveLength(12_000);
    for (const stop of [0, 1, 2]) {
      const rest = await gate.pull(batches[stop]?.cursor);
      expect(new Set([...idsOf(batches.slice(0, stop + 1).flatMap((batch) => batch.facts)), ...idsOf(rest.facts)]).size).toBe(12_000);
    }
  });
  test('of a gate system that only counts takes its count', async () => {
    await using gate = await start();
    gate.event.setKnobs({ countOnly: true });
    gate.event.passMany(7);
    const { facts, cursor } = await gate.pull();
    expect([idsOf(facts), observed(facts)]).toEqual([[], [{ totalRegistered: 300, currentAttendees: 7 }]]);
    gate.event.passMany(2);
    expect(observed((await gate.pull(cursor)).facts)).toEqual([{ totalRegistered: 300, currentAttendees: 9 }]);
  });
  test('of any log, whatever happens between pulls, finds every check-in exactly once', async () => {
    await using gate = await start();
    let { facts, cursor } = await gate.pull();
    const found = idsOf(facts);
    const steps = fc.array(fc.record({ passages: fc.integer({ min: 0, max: 30 }), gate: fc.constantFrom('open', 'failed', null) }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(steps, async (happened) => {
        const passed: string[] = [];
        for (const step of happened) {
          if (step.gate) gate.event.setGate('gate-2', step.gate);
          for (let count = 0; count < step.passages; count += 1) passed.push(gate.event.pass({ badgeId: `badge-${count}` }));
        }
        ({ facts, cursor } = await gate.pull(cursor));
        found.push(...idsOf(facts));
        expect(idsOf(facts)).toEqual(passed);
      }),
      { numRuns: 15 },
    );
    expect(new Set(found).size).toBe(found.length);
  });
});

describe('a bad day of the upstream', () => {
  test.each<[Knobs['answers'], string]>([['hang', 'UPSTREAM_TIMEOUT'], ['status-500', 'UPSTREAM_STATUS'], ['html', 'UPSTREAM_NOT_JSON'], ['half-json', 'UPSTREAM_NOT_JSON'], ['drip', 'UPSTREAM_TIMEOUT'], ['endless', 'UPSTREAM_TOO_LARGE']])('that answers with %s is %s', async (answers, code) => {
    await using gate = await start({ timeoutMs: code === 'UPSTREAM_TIMEOUT' ? 500 : 10_000 });
    gate.event.setKnobs({ answers });
    await expect(gate.pull()).rejects.toMatchObject({ code });
    await expect(connector.checkHealth(gate.context)).rejects.toMatchObject({ code });
    await expect(connector.fetchSample(gate.context)).rejects.toMatchObject({ code });
  });
  test('that says it is unhealthy is not healthy, and a good one is', async () => {
    await using gate = await start();
    await connector.checkHealth(gate.context);
    gate.event.setKnobs({ answers: 'unhealthy' });
    await expect(connector.checkHealth(gate.context)).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE' });
  });
  test('a wrong key is a status, another event and another API are a shape', async () => {
    await using wrongKey = await start({ apiKey: 'wrong' });
    await expect(wrongKey.pull()).rejects.toMatchObject({ code: 'UPSTREAM_STATUS', facts: { status: 401 } });
    await using otherEvent = await start({ eventId: 'another-event' });
    await expect(otherEvent.pull()).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE', facts: { field: 'event.eventId' } });
    const server = createServer((_request, response) => response.setHeader('content-type', 'application/json').end('{"hello":"world"}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const api = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const context = { ...otherEvent.context, service: { ...otherEvent.context.service, endpoints: { api, webhook: null, healthCheck: `${api}/health` } } };
    await expect(connector.pull(context, null)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE', facts: { path: 'sync/initial', field: 'participants' } });
    server.closeAllConnections();
    server.close();
  });
  test('absurd numbers cost the totals and the gate that they are about, and nothing else', async () => {
    await using gate = await start();
    const id = gate.event.pass({ badgeId: 'a' });
    gate.event.setKnobs({ answers: 'absurd-numbers' });
    const { facts, rejected } = await gate.pull();
    expect(rejected.map(({ upstreamId }) => upstreamId).sort()).toEqual(['gate:gate-1', 'observation:test-event']);
    expect([idsOf(facts), factsOf(facts, 'gate').map(({ upstreamId }) => upstreamId), observed(facts)]).toEqual([[id], ['gate-2'], []]);
  });
  test.each([-365, 365])('a clock that is %i days off makes no check-in, gate or status', async (days) => {
    await using gate = await start();
    gate.event.setKnobs({ clockOffsetMs: days * 86_400_000 });
    gate.event.pass({ badgeId: 'a' });
    const { facts, rejected } = await gate.pull();
    expect(facts.map(({ kind }) => kind)).toEqual(['event', 'observation']);
    expect(rejected.map(({ upstreamId }) => upstreamId.split(':')[0])).toEqual(['checkIn', 'gate', 'gate', 'status']);
  });
  test('a state from a clock that is an hour ahead does not win over all that follow', async () => {
    await using gate = await start();
    gate.event.setKnobs({ clockOffsetMs: 60 * minute });
    for (const { at } of factsOf((await gate.pull()).facts, 'gate')) expect(at.getTime()).toBe(gate.wall.now());
  });
});

test('keys are exchanged, and what is pushed then arrives verified, also doubled, but not forged', async () => {
  const received: Promise<unknown>[] = [];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await using gate = await start({ webhook: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/ingest/s1` });
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const result = connector.receive?.(gate.context, { headers: request.headers, query: {}, body: Buffer.concat(chunks) }) ?? Promise.reject(new Error('no receive'));
      received.push(result.catch((error: { code: string }) => error.code));
      result.then(() => response.end(), () => response.writeHead(401).end());
    });
  });
  await connector.exchangeKeys?.(gate.context);
  gate.event.setKnobs({ doublePushes: true });
  const id = gate.event.pass({ badgeId: 'a' });
  await gate.event.pusher.settled();
  expect(await Promise.all(received)).toMatchObject([{ facts: [{ upstreamId: id }, { kind: 'gate' }] }, { facts: [{ upstreamId: id }, { kind: 'gate' }] }]);
  gate.event.setKnobs({ doublePushes: false, forgedSignature: true });
  gate.event.pass({ badgeId: 'b' });
  await gate.event.pusher.settled();
  expect((await Promise.all(received)).slice(2)).toEqual(['PUSH_SIGNATURE_INVALID', 'PUSH_SIGNATURE_INVALID', 'PUSH_SIGNATURE_INVALID']);
  server.closeAllConnections();
  server.close();
});

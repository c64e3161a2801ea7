import { createHmac } from 'node:crypto';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cumulative, kolmogorovSmirnov, arrivalMinutes, quantile, quantileTable } from './arrivals.ts';
import { createManualClock, createScenarioClock } from './clock.ts';
import { planDay } from './day.ts';
import { planDemo } from './demo-events.ts';
import { createGatekeeperSimulator } from './index.ts';
import type { EventDetails } from './plan.ts';
import { createRandom } from './random.ts';

const minute = 60_000;
const begin = Date.UTC(2024, 5, 1, 9);

const details: EventDetails = {
  eventId: 'test-event', eventName: 'Test', type: 'meetup', organizer: { organization: 'Org', contact: 'o@example.org' }, period: { start: begin, end: begin + 120 * minute },
  timezone: 'Asia/Seoul', region: 'asia-pacific', venue: { name: 'Hall', address: 'Street', latitude: 1, longitude: 2 }, public: true, registered: 300, gates: [{ id: 'gate-1', name: 'A' }, { id: 'gate-2', name: 'B' }],
};

describe('the arrival curve', () => {
  test('quantile and cumulative undo each other on a rising table', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => void expect(cumulative(arrivalMinutes, quantile(arrivalMinutes, share))).toBeCloseTo(share, 9)));
  });
  test('cumulative never falls', () => {
    const value = fc.double({ min: -100, max: 200, noNaN: true });
    fc.assert(fc.property(value, value, (left, right) => void expect(cumulative(arrivalMinutes, Math.min(left, right))).toBeLessThanOrEqual(cumulative(arrivalMinutes, Math.max(left, right)))));
  });
  test('the table of a large sample of a curve is that curve again', () => {
    const random = createRandom('sample');
    const sample = Array.from({ length: 20_000 }, () => quantile(arrivalMinutes, random.next()));
    expect(kolmogorovSmirnov(arrivalMinutes, sample)).toBeLessThan(0.012);
    expect(kolmogorovSmirnov(quantileTable(sample, 20), sample)).toBeLessThan(0.02);
  });
  test('a sample of something else is far from it', () => {
    expect(kolmogorovSmirnov(arrivalMinutes, [90, 95, 100])).toBeGreaterThan(0.9);
  });
});

describe('a planned day', () => {
  const seeds = fc.record({ seed: fc.string(), turnout: fc.double({ min: 0, max: 1, noNaN: true }), gateFailures: fc.double({ min: 0, max: 3, noNaN: true }) });
  test('is the same for the same seed, and another for another', () => {
    expect(planDay(details, { seed: 'a', turnout: 0.8 })).toEqual(planDay(details, { seed: 'a', turnout: 0.8 }));
    expect(planDay(details, { seed: 'a', turnout: 0.8 })).not.toEqual(planDay(details, { seed: 'b', turnout: 0.8 }));
  });
  test('goes forward, lets nobody in twice or out first, and ends with nobody inside', () => {
    fc.assert(
      fc.property(seeds, (options) => {
        const inside = new Set<string>();
        let last = -Infinity;
        for (const change of planDay(details, options).changes) {
          expect(change.at).toBeGreaterThanOrEqual(last);
          last = change.at;
          if (change.kind !== 'checkIn') continue;
          expect(inside.has(change.badgeId)).toBe(change.direction === 'exit');
          if (change.direction === 'entry') inside.add(change.badgeId);
          else inside.delete(change.badgeId);
        }
        expect(inside.size).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
  test('gives every passage an id of its own, and nobody passes a gate that has failed while another works', () => {
    fc.assert(
      fc.property(seeds, (options) => {
        const { changes } = planDay(details, options);
        const ids = changes.flatMap((change) => (change.kind === 'checkIn' ? [change.id] : []));
        expect(new Set(ids).size).toBe(ids.length);
        const failed = new Map<string, number>();
        for (const change of changes) {
          if (change.kind === 'gate' && change.status === 'failed') failed.set(change.gateId, change.at);
          else if (change.kind === 'gate') failed.delete(change.gateId);
          else if (change.kind === 'checkIn') expect(failed.get(change.gateId) ?? change.at).toBe(change.at);
        }
      }),
      { numRuns: 30 },
    );
  });
  test('the demo has events before, during and after, in several regions, one of them not public', () => {
    const plans = planDemo(begin, 'seed');
    const phase = ({ period }: EventDetails) => (period.start > begin ? 'before' : period.end <= begin ? 'after' : 'during');
    expect(new Set(plans.map(phase))).toEqual(new Set(['before', 'during', 'after']));
    expect(new Set(plans.map(({ region }) => region)).size).toBeGreaterThanOrEqual(3);
    expect(plans.filter((plan) => !plan.public)).toHaveLength(1);
  });
});

describe('the clock of a run', () => {
  test('plays at its speed; wall stamps stay on the wall clock and scenario stamps in the story', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 0, max: 100_000 }), (speed, elapsed) => {
        const wall = createManualClock(5_000_000);
        const clocks = (['wall', 'scenario'] as const).map((stamps) => createScenarioClock({ wall, speed, stamps, scenarioStart: begin }));
        wall.advance(elapsed);
        for (const clock of clocks) {
          expect(clock.now()).toBe(begin + elapsed * speed);
          expect(clock.wallOf(clock.now())).toBeCloseTo(wall.now(), 6);
        }
        expect(clocks.map((clock) => clock.stamp(clock.now()))).toEqual([wall.now(), begin + elapsed * speed]);
      }),
    );
  });
});

/** A receiver of pushes that keeps them, and answers with the statuses given, then 200. */
const createReceiver = async (statuses: number[] = []) => {
  const pushes: { headers: IncomingMessage['headers']; body: string }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      pushes.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/ingest/1`, pushes, [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), await new Promise((resolve) => server.close(resolve))) };
};

const secret = 'a-shared-secret-of-a-test';
const start = async (options: { passages?: number } = {}) => {
  const wall = createManualClock(begin);
  const simulator = await createGatekeeperSimulator({ plans: [{ ...details, changes: [] }], apiKey: 'key', clock: { wall }, retry: { firstMs: 1, longestMs: 4, attempts: 3 } });
  const event = simulator.event('test-event');
  if (options.passages) event.passMany(options.passages);
  const call = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${simulator.endpoint('test-event')}/${path}`, { ...init, headers: { authorization: 'Bearer key', 'content-type': 'application/json', ...init.headers } });
    return { status: response.status, json: (await response.json()) as unknown };
  };
  const exchange = (webhookUrl: string) => call('keys/exchange', { method: 'POST', body: JSON.stringify({ webhookUrl, secret }) });
  return { wall, simulator, event, call, exchange, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() };
};
const passagesIn = (pushes: readonly { body: string }[]) => pushes.flatMap(({ body }) => (JSON.parse(body) as { data: { checkIns?: { id: string }[] } }).data.checkIns ?? []);

describe('the endpoints', () => {
  test('answer in the documented shapes', async () => {
    await using gate = await start({ passages: 3 });
    expect((await gate.call('health')).json).toEqual({ status: 'healthy' });
    expect((await gate.call('analytics/realtime')).json).toMatchObject({ participants: { total: 300 }, attendance: { current: 3 }, gates: [{ id: 'gate-1', status: 'closed', throughput: 3 }, { id: 'gate-2', throughput: 0 }], sequence: 3, timestamp: new Date(begin).toISOString() });
    expect((await gate.call('sync/initial')).json).toMatchObject({ event: { eventId: 'test-event', timezone: 'Asia/Seoul' }, sequence: 3, checkIns: [{ sequence: 1, direction: 'entry' }, { sequence: 2 }, { sequence: 3 }] });
    expect((await gate.call('analytics/realtime?since=2')).json).toMatchObject({ sequence: 3, checkIns: [{ sequence: 3 }] });
  });
  test('refuse a wrong key, an unknown event and a bad request', async () => {
    await using gate = await start();
    expect((await gate.call('sync/initial', { headers: { authorization: 'Bearer nobody' } })).status).toBe(401);
    expect((await gate.call('../other/sync/initial')).status).toBe(404);
    expect((await gate.call('keys/exchange', { method: 'POST', body: '{"webhookUrl":"ftp://x","secret":"short"}' })).status).toBe(400);
    expect((await gate.call('analytics/realtime?since=-1')).status).toBe(400);
  });
  test('pages of a log of 12,000 changes are the log, once', async () => {
    await using gate = await start({ passages: 12_000 });
    const seen: number[] = [];
    type Page = { more?: boolean; sequence: number; checkIns: { sequence: number }[] };
    let page = (await gate.call('sync/initial')).json as Page;
    for (;;) {
      seen.push(...page.checkIns.map(({ sequence }) => sequence));
      if (!page.more) break;
      page = (await gate.call(`analytics/realtime?since=${page.sequence}`)).json as Page;
    }
    expect(seen).toEqual(Array.from({ length: 12_000 }, (_, index) => index + 1));
  });
  test('a backup holds the records since the last one, with their checksum', async () => {
    await using gate = await start({ passages: 2 });
    const create = async () => (await gate.call('backup/create', { method: 'POST', body: JSON.stringify({ backupType: 'incremental', includeFiles: ['attendance_records', 'participant_data'], encryption: false }) })).json as { files: { records: number; path: string }[] };
    expect((await create()).files.map(({ records }) => records)).toEqual([2, 2]);
    gate.event.pass({ badgeId: 'late' });
    const { files } = await create();
    expect(files.map(({ records }) => records)).toEqual([1, 1]);
    const file = await fetch(`${gate.simulator.endpoint('test-event')}/${files[1]?.path}`, { headers: { 'x-api-key': 'key' } });
    expect(await file.text()).toBe('{"badgeId":"late"}\n');
  });
});

describe('pushes', () => {
  test('carry what happened after the exchange, in order, signed over the time and the raw body', async () => {
    await using receiver = await createReceiver();
    await using gate = await start({ passages: 2 });
    await gate.exchange(receiver.url);
    const ids = [gate.event.pass({ badgeId: 'a' }), gate.event.pass({ badgeId: 'b' })];
    gate.event.setGate('gate-1', 'failed');
    gate.event.setStatus('ongoing');
    await gate.event.pusher.settled();
    expect(passagesIn(receiver.pushes).map(({ id }) => id)).toEqual(ids);
    expect([...new Set(receiver.pushes.map(({ body }) => (JSON.parse(body) as { event: string }).event))]).toEqual(['attendance_checkin', 'gate_status', 'event_status_change']);
    for (const { headers, body } of receiver.pushes) expect(headers['x-webhook-signature']).toBe(`sha256=${createHmac('sha256', secret).update(`${String(headers['x-webhook-timestamp'])}.${body}`).digest('hex')}`);
  });
  test('are tried again until they are accepted, and given up after so many tries', async () => {
    await using receiver = await createReceiver([500, 503, 200, 500, 500, 500]);
    await using gate = await start();
    await gate.exchange(receiver.url);
    const first = gate.event.pass({ badgeId: 'a' });
    await gate.event.pusher.settled();
    expect(passagesIn(receiver.pushes).map(({ id }) => id)).toEqual([first, first, first]);
    gate.event.pass({ badgeId: 'b' });
    await gate.event.pusher.settled();
    expect(gate.event.pusher.counts()).toEqual({ accepted: 1, failed: 5, givenUp: 1 });
  });
  test('10,000 check-ins at once go out in few pushes, each once', async () => {
    await using receiver = await createReceiver();
    await using gate = await start();
    await gate.exchange(receiver.url);
    gate.event.passMany(10_000);
    await gate.event.pusher.settled();
    expect(receiver.pushes).toHaveLength(20);
    expect(new Set(passagesIn(receiver.pushes).map(({ id }) => id)).size).toBe(10_000);
  });
});

describe('a run', () => {
  test('that is continued has the same log as one that was never stopped', async () => {
    const plans = [planDay(details, { seed: 'x', turnout: 0.5 })];
    const wall = createManualClock(begin - 50 * minute);
    await using steady = await createGatekeeperSimulator({ plans, clock: { wall } });
    wall.advance(70 * minute);
    await using continued = await createGatekeeperSimulator({ plans, clock: { wall, startedAt: begin - 50 * minute } });
    const [left, right] = [steady, continued].map((simulator) => simulator.event('test-event').system);
    expect(left?.sequence).toBeGreaterThan(50);
    expect(right?.after(0, 10_000)).toEqual(left?.after(0, 10_000));
    expect(right?.logId).toBe(left?.logId);
  });
  test('forgets its log under a new name', async () => {
    await using gate = await start({ passages: 5 });
    const before = gate.event.system.logId;
    gate.event.forget();
    expect(gate.event.system).toMatchObject({ sequence: 0, current: 0 });
    expect(gate.event.system.logId).not.toBe(before);
  });
});

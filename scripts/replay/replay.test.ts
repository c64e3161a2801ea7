import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConnectorContext } from '#core/connector.ts';
import { InputError } from '#core/errors.ts';
import { eventId as eventIdSchema, factsOf } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { offsetsBySession } from '../fit-arrivals.ts';
import { connector } from '../../subgraphs/gatekeeper/connector.ts';
import { same } from '../replay.ts';
import { instantOf } from './local-time.ts';
import { type SessionCount, countSessions, parseScans, splitCsvLine } from './scan-file.ts';
import { planSessions, sessionIds } from './session-plans.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';

const zone = 'America/Sao_Paulo';
/** A session with somebody who joins twice, somebody scanned twice in a second, and a question. */
const small = `session,participant,institution,type,at
WCGA,p1,i1,join,2019-05-06T08:30:28
WCGA,p2,i1,join,2019-05-06T08:31:00
WCGA,p2,i1,join,2019-05-06T08:31:00
WCGA,p3,i2,question,2019-05-06T08:40:00
"ST, 1",p1,i1,join,2019-05-06T09:00:00
"ST, 1",p1,i1,join,2019-05-06T09:30:00
`;
const real = join(import.meta.dirname, '..', '..', '..', 'shared', 'real-checkins', 'conference-2019-days-1-3.csv');

describe('local time', () => {
  const write = (instant: number, timeZone: string) => new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(instant).replace(' ', 'T');
  test('of any instant in any zone leads back to an instant of that local time, the earlier of two', () => {
    const instants = fc.integer({ min: Date.UTC(2000, 0) / 1000, max: Date.UTC(2035, 0) / 1000 }).map((second) => second * 1000);
    fc.assert(
      fc.property(instants, fc.constantFrom(zone, 'Europe/Berlin', 'Asia/Seoul', 'America/New_York', 'Australia/Lord_Howe', 'UTC'), (instant, timeZone) => {
        const local = write(instant, timeZone);
        const found = instantOf(local, timeZone) ?? NaN;
        expect(write(found, timeZone)).toBe(local);
        expect(found).toBeLessThanOrEqual(instant);
      }),
      { numRuns: 500 },
    );
  });
  test('knows the hour that is skipped, the hour that comes twice, and what is no time', () => {
    expect(instantOf('2019-05-06T08:30:28', zone)).toBe(Date.UTC(2019, 4, 6, 11, 30, 28));
    expect(instantOf('2024-03-31T02:30:00', 'Europe/Berlin')).toBe(Date.UTC(2024, 2, 31, 1, 30));
    expect(instantOf('2024-10-27T02:30:00', 'Europe/Berlin')).toBe(Date.UTC(2024, 9, 27, 0, 30));
    for (const wrong of ['2019-02-31T10:00:00', '2019-13-01T10:00:00', 'yesterday', '2019-05-06', '']) expect(instantOf(wrong, zone)).toBeUndefined();
  });
});

describe('a file of scans', () => {
  test('any fields come back from a line of CSV', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', ' ', 'é', '-') });
    const quote = (value: string) => (/[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    fc.assert(fc.property(fc.array(field, { minLength: 1 }), (fields) => void expect(splitCsvLine(fields.map(quote).join(','))).toEqual(fields)));
  });
  test('counts join rows as check-ins, also repeated ones, and whoever joined as one attendee', () => {
    expect(Object.fromEntries(countSessions(parseScans(small, zone)))).toEqual({ WCGA: { checkIns: 3, attendees: 2 }, 'ST, 1': { checkIns: 2, attendees: 1 } });
  });
  test('that is not one says where', () => {
    const failure = (text: string) => {
      try {
        parseScans(text, zone);
        return undefined;
      } catch (error) {
        return error instanceof InputError ? `${error.code} ${error.field}` : error;
      }
    };
    expect(failure('')).toBe('SCAN_FILE_INVALID line 1');
    expect(failure(small.replace('type,', 'kind,'))).toBe('SCAN_FILE_INVALID line 1');
    expect(failure(small.replace('08:31:00', '25:31:00'))).toBe('SCAN_FILE_INVALID line 3');
    expect(failure(`${small}WCGA,p1,join\n`)).toBe('SCAN_FILE_INVALID line 8');
    expect(failure(`${small}"WCGA,p1,i,join,x\n`)).toBe('SCAN_FILE_INVALID line 8');
  });
});

test('sessions of any names get ids of their own that the hub takes', () => {
  expect([...sessionIds('sbrc-2019', ['WCGA', 'ST-1', 'st 1'])]).toEqual([['WCGA', 'sbrc-2019-wcga'], ['ST-1', 'sbrc-2019-st-1'], ['st 1', 'sbrc-2019-st-1-2']]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 200 }), { maxLength: 20 }), (sessions) => {
      const ids = [...sessionIds('sbrc-2019', sessions).values()];
      expect(new Set(ids).size).toBe(sessions.length);
      for (const id of ids) eventIdSchema.parse(id);
    }),
  );
});

test('a comparison is the same only where both numbers are', () => {
  const file = { checkIns: 3, attendees: 2 };
  const against = (graph: SessionCount | undefined) => same({ eventId: 'e', session: 's', file, graph });
  expect([against(file), against({ checkIns: 2, attendees: 2 }), against({ checkIns: 3, attendees: 3 }), against(undefined)]).toEqual([true, false, false, false]);
});

/** Plays the file to its end and pulls every session as the hub would. */
const countThroughGates = async (text: string) => {
  const scans = parseScans(text, zone);
  const plans = planSessions(scans, 'sbrc-2019', zone);
  const wall = createManualClock(Date.UTC(2026, 0));
  await using simulator = await createGatekeeperSimulator({ plans, clock: { wall, speed: 3600, stamps: 'scenario', scenarioStart: Math.min(...scans.map(({ at }) => at)) } });
  wall.advance(200_000);
  const http = createUpstreamHttp({ allowPrivateAddresses: true });
  const counts = new Map<string, SessionCount>();
  for (const { session, eventId } of plans) {
    const api = simulator.endpoint(eventId);
    const context: ConnectorContext<{ eventId: string }> = {
      service: { serviceId: eventId, serviceName: session, endpoints: { api, webhook: null, healthCheck: `${api}/health` }, credentials: { type: 'api_key', apiKey: simulator.apiKey }, settings: { eventId }, pushSecret: '', pushSecrets: [] },
      http, httpFor: () => http, hashParticipant: (raw) => `hash ${raw}`, now: () => new Date(wall.now()), signal: new AbortController().signal,
    };
    const checkIns = [];
    for await (const { facts, rejected } of connector.pull(context, null)) {
      expect(rejected).toEqual([]);
      checkIns.push(...factsOf(facts, 'checkIn'));
    }
    expect(new Set(checkIns.map(({ upstreamId }) => upstreamId)).size).toBe(checkIns.length);
    counts.set(session, { checkIns: checkIns.length, attendees: new Set(checkIns.map(({ participant }) => participant)).size });
  }
  await http.close();
  return { scans, counts };
};

test('what comes out of the gates is what a count over the file gives', async () => {
  const { scans, counts } = await countThroughGates(small);
  expect(counts).toEqual(countSessions(scans));
});

// The file is not a part of the product: it is read where it is.
describe.runIf(existsSync(real))('the real file', () => {
  test('comes out of the gates as a count over its lines gives it', async () => {
    const text = readFileSync(real, 'utf8');
    const { counts } = await countThroughGates(text);
    const lines = text.trim().split('\n').slice(1).map((line) => line.split(','));
    const joins = Map.groupBy(lines.filter((fields) => fields[3] === 'join'), (fields) => fields[0] ?? '');
    expect(counts.size).toBe(24);
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries([...joins].map(([session, rows]) => [session, { checkIns: rows.length, attendees: new Set(rows.map((fields) => fields[1])).size }])));
  });
  test('is what the committed arrival curve was fitted on', async () => {
    const { arrivalMinutes, quantileTable } = await import('#simulators/gatekeeper/arrivals.ts');
    const offsets = offsetsBySession(parseScans(readFileSync(real, 'utf8'), zone));
    const fitted = quantileTable([...offsets.values()].flat(), arrivalMinutes.length - 1);
    expect(fitted.map((value) => Number(value.toFixed(1)))).toEqual(arrivalMinutes);
  });
});

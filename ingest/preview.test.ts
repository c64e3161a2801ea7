import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { factsOf } from '#core/facts.ts';
import type { Registration } from '#core/ingest-port.ts';
import { UpstreamError } from '#core/errors.ts';
import { query } from '#core/sql.ts';
import { asker, viewerOf } from '#core/testing-hub.ts';
import { type CustomSimulator, createCustomSimulator } from '#simulators/custom/index.ts';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { subgraph as custom } from '#subgraphs/custom/index.ts';
import { list } from '#subgraphs/custom/test-connector.ts';
import { subgraph as events } from '#subgraphs/events/index.ts';
import { subgraph as gatekeeper } from '#subgraphs/gatekeeper/index.ts';
import { type TestIngest, event, openTestIngest, registration, registrationOf } from './test-kit.ts';

let own: TestIngest;
let desk: CustomSimulator;
beforeEach(async () => {
  own = await openTestIngest({ more: [custom, gatekeeper] });
  desk = await createCustomSimulator();
});
afterEach(async () => {
  await own[Symbol.asyncDispose]();
  await desk[Symbol.asyncDispose]();
});

/** Rows of every table of the hub. */
const rows = async (): Promise<Record<string, number>> => {
  const tables = await query<{ name: string }>(own.hub.database.em(), `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by 1`);
  return Object.fromEntries(await Promise.all(tables.map(async ({ name }) => [name, await own.count(name)] as const)));
};

const ofDesk = (resources: readonly object[], more: Partial<Registration> = {}): Registration => registrationOf({ product: 'custom', endpoints: { api: desk.url, webhook: null, healthCheck: `${desk.url}/health` }, credentials: { type: 'none' }, settings: { resources }, ...more });
const fill = (passes = 30): void => {
  desk.world.addHappening({ ref: 'fair' });
  for (let count = 0; count < passes; count++) desk.world.sell('fair', `holder-${count}@example.org`);
};

describe('a preview', () => {
  test('shows the facts that a registration would bring, with participants hashed, and stores nothing', async () => {
    fill();
    const before = await rows();
    const shown = await own.ingest.preview(ofDesk([list('happenings', 'page', 10), list('passes', 'page', 10)]));
    expect(shown).toMatchObject({ failure: null, complete: true, rejected: [], rejectedCount: 0, factCount: 12 });
    expect(factsOf(shown.facts, 'event')).toMatchObject([{ eventId: 'fair', product: 'CustomEvent' }]);
    expect(factsOf(shown.facts, 'registration')).toHaveLength(10);
    expect(JSON.stringify(shown.facts)).not.toContain('holder-');
    expect(await rows()).toEqual(before);
    expect((await own.ingest.register(ofDesk([list('happenings', 'page', 10), list('passes', 'page', 10)]))).ok).toBe(true);
    expect(await own.count('attendance.registrations')).toBe(30);
  });
  test('shows what is rejected, why, and the record', async () => {
    fill(3);
    const shown = await own.ingest.preview(ofDesk([list('happenings'), { ...list('passes'), mapping: '{"kind": "registration", "eventId": no = 2 ? "another" : ref, "upstreamId": no, "state": no = 1 ? "LOST" : "CONFIRMED"}' }]));
    expect(shown.rejected).toMatchObject([
      { upstreamId: 'registration:1', reason: expect.stringMatching(/^FACT_INVALID: registration.state/) as string, raw: { resource: 'passes', record: { no: 1, holder: 'holder-0@example.org' } } },
      { upstreamId: 'registration:2', reason: expect.stringMatching(/^EVENT_NOT_OWNED/) as string },
    ]);
    expect([shown.failure, shown.factCount]).toEqual([null, 3]);
  });
  test.each<[string, () => Registration, object, number]>([
    ['SETTINGS', () => ofDesk([{ ...list('scans'), mapping: '{' }]), { code: 'SETTINGS_INVALID', field: 'input.settings.resources.0.mapping' }, 0],
    ['SAMPLE', () => ofDesk([list('happenings')], { dataSchema: { type: 'object' } }), { code: 'SAMPLE_INVALID', field: 'input.syncSettings.dataSchema' }, 0],
    ['HEALTH_CHECK', () => ofDesk([list('happenings')], { endpoints: { api: desk.url, webhook: null, healthCheck: `${desk.url}/nowhere/at/all` } }), { code: 'UPSTREAM_STATUS', field: 'input.endpoints.healthCheck' }, 0],
    ['HEALTH_CHECK', () => ofDesk([list('happenings')], { credentials: { type: 'oauth2', clientId: 'a', clientSecret: 'b', tokenUrl: `${desk.url}/nowhere/at/all` } }), { code: 'UPSTREAM_STATUS', field: 'input.authentication.credentials' }, 0],
    ['INITIAL_SYNC', () => ofDesk([list('happenings'), { ...list('scans'), path: 'nowhere/scans' }]), { code: 'UPSTREAM_STATUS', field: 'input.endpoints.api' }, 1],
  ])('of what fails at %s says so, with what was found until then', async (step, wanted, failure, facts) => {
    fill();
    const before = await rows();
    const shown = await own.ingest.preview(wanted());
    expect(shown.failure).toMatchObject({ step, ...failure });
    expect([shown.factCount, shown.complete]).toEqual([facts, false]);
    expect(await rows()).toEqual(before);
  });
  test('of a product with a connector of its own is its own pull', async () => {
    const wall = createManualClock(Date.now());
    await using gates = await createGatekeeperSimulator({ apiKey: 'key', clock: { wall } });
    const [first] = gates.events;
    const eventId = String(first?.eventId);
    const shown = await own.ingest.preview(registrationOf({ product: 'gatekeeper', endpoints: { api: gates.endpoint(eventId), webhook: null, healthCheck: `${gates.endpoint(eventId)}/health` }, credentials: { type: 'api_key', apiKey: 'key' }, settings: { eventId } }));
    expect(shown.failure).toBeNull();
    expect(factsOf(shown.facts, 'event')).toMatchObject([{ eventId, product: 'GateEvent' }]);
    expect(await own.count('hub.services')).toBe(0);
  });
  test('of events that are another service\'s fails as the registration would', async () => {
    await own.ingest.register(registrationOf());
    expect((await own.ingest.preview(registrationOf())).failure).toMatchObject({ step: 'INITIAL_SYNC', code: 'EVENT_ID_TAKEN' });
  });
  test('ends with its first facts where there is no end, exchanges no key and leaves no connection', async () => {
    let exchanged = 0;
    own.upstream.exchangeKeys = async () => void (exchanged += 1);
    own.upstream.pull = async function* (context) {
      expect(context.preview).toBe(true);
      for (let page = 0; ; page++) yield { facts: [event(), ...Array.from({ length: 1_000 }, (_, n) => registration(`${page}-${n}`, 1))], rejected: [], cursor: { page } };
    };
    const shown = await own.ingest.preview(registrationOf());
    expect([shown.complete, shown.factCount, shown.facts.length, exchanged]).toEqual([false, 5_005, 105, 0]);
    own.upstream.pull = async function* () {
      const standing = Array.from({ length: 5_000 }, (_, n) => `check-in ${n} ${'x'.repeat(150)}`);
      for (let page = 0; ; page++) yield { facts: [event(), { kind: 'checkInsStanding', eventId: 'e1', upstreamId: String(page), at: own.clock.now, participant: 'p', standing }], rejected: [{ upstreamId: `small:${page}`, reason: 'odd', raw: 'x'.repeat(60_000) }, { upstreamId: `large:${page}`, reason: 'odd', raw: 'x'.repeat(70_000) }], cursor: { page } };
    };
    const large = await own.ingest.preview(registrationOf());
    expect(large.complete).toBe(false);
    expect([JSON.stringify(large.facts).length <= 1_001_000, large.facts.length < large.factCount, large.rejected.length]).toEqual([true, true, large.rejectedCount]);
    expect(large.recordsCut).toBe(large.rejected.filter(({ raw }) => raw === null).length);
    expect(large.rejected.filter(({ upstreamId, raw }) => upstreamId.startsWith('large:') && raw !== null)).toEqual([]);
    own.upstream.pull = () => {
      throw new UpstreamError('status', 'The upstream answered 500.', { status: 500 });
    };
    expect((await own.ingest.preview(registrationOf())).failure).toMatchObject({ code: 'UPSTREAM_STATUS' });
  });
});

test('in the graph a preview is for those who manage services, and answers JSON', async () => {
  fill(1);
  const ask = asker(events, { ...own.hub, ingest: own.ingest });
  const input = { product: 'custom', serviceName: 'Desk', endpoints: { api: desk.url }, settings: { resources: [list('happenings'), { ...list('passes'), mapping: '$error("no")' }] } };
  const source = 'mutation ($input: RegisterEventServiceInput!) { previewEventService(input: $input) { facts factCount rejected { id reason record } complete failedStep userErrors { code field } } }';
  const { data } = await ask<{ previewEventService: unknown }>(source, viewerOf(['manage_services']), { input });
  expect(data.previewEventService).toMatchObject({ facts: [{ kind: 'event', eventId: 'fair', start: expect.stringMatching(/Z$/) as string }, { kind: 'observation' }], factCount: 2, rejected: [{ reason: expect.stringContaining('MAPPING: no') as string, record: { resource: 'passes', record: { no: 1 } } }], complete: true, failedStep: null, userErrors: [] });
  const failed = await ask<{ previewEventService: unknown }>(source, viewerOf(['manage_services']), { input: { ...input, settings: { resources: [] } } });
  expect(failed.data.previewEventService).toMatchObject({ facts: [], failedStep: 'SETTINGS', userErrors: [{ code: 'SETTINGS_INVALID', field: 'input.settings.resources' }] });
  expect((await ask(source, viewerOf(['read_events']), { input })).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
});

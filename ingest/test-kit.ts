/** A hub with ingestion over real tables and a connector whose upstream is a list in memory. */
import { z } from 'zod';
import type { Batch, CallBudget, Connector, ConnectorContext } from '#core/connector.ts';
import type { CheckInFact, EventFact, Fact, ObservationFact, RegistrationFact, StatusFact } from '#core/facts.ts';
import type { Registration } from '#core/ingest-port.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import type { AnySubgraph, Handlers } from '#core/subgraph.ts';
import { type TestHub, openTestHub } from '#core/testing-hub.ts';
import { entities as accessEntities } from '#subgraphs/access/entities.ts';
import { subgraph as attendance } from '#subgraphs/attendance/index.ts';
import { entities as eventEntities } from '#subgraphs/events/entities.ts';
import { subgraph as events } from '#subgraphs/events/index.ts';
import { type Ingest, createIngest } from './ingest.ts';

/** What a test decides of its upstream; each may be replaced at any time. */
export type FakeUpstream = {
  checkHealth: (context: ConnectorContext) => Promise<void>;
  fetchSample: (context: ConnectorContext) => Promise<unknown>;
  exchangeKeys: (context: ConnectorContext) => Promise<void>;
  pull: (context: ConnectorContext, cursor: unknown) => AsyncIterable<Batch>;
  translateAgain?: Connector['translateAgain'];
  needsPushUrl?: boolean;
  budget?: CallBudget;
};

export type TestIngest = TestHub & { readonly ingest: Ingest; readonly upstream: FakeUpstream; /** Rows of a table. */ count(table: string): Promise<number>; addService(id?: string): Promise<Service> };

export type TestIngestOptions = { readonly on?: Handlers; readonly more?: readonly Partial<AnySubgraph>[] };

export const openTestIngest = async ({ on, more = [] }: TestIngestOptions = {}): Promise<TestIngest> => {
  const hub = await openTestHub({ entities: [...eventEntities, ...accessEntities] });
  const upstream: FakeUpstream = {
    checkHealth: async () => undefined,
    fetchSample: async () => ({ a: 1 }),
    exchangeKeys: async () => undefined,
    async *pull() {
      yield { facts: [event()], rejected: [], cursor: { at: 1 } };
    },
  };
  const connector: Connector<unknown> = {
    product: 'fake',
    settings: z.object({ eventId: z.string() }),
    checkHealth: (context) => upstream.checkHealth(context),
    fetchSample: (context) => upstream.fetchSample(context),
    exchangeKeys: (context) => upstream.exchangeKeys(context),
    pull: (context, cursor) => upstream.pull(context, cursor),
    budget: () => upstream.budget ?? null,
    needsPushUrl: () => upstream.needsPushUrl ?? false,
    get translateAgain() {
      return upstream.translateAgain;
    },
  };
  const fake = { ...attendance, name: 'fake', applyFacts: undefined, connector: connector as Connector<never>, on };
  const ingest = createIngest({ hub: hub.hub, subgraphs: [events, attendance, fake, ...more.map((each) => ({ ...fake, connector: undefined, on: undefined, ...each }))], allowPrivateUpstreams: true });
  const em = () => hub.hub.database.em();
  return {
    ...hub,
    ingest,
    upstream,
    count: async (table) => (await query<{ n: number }>(em(), `select count(*)::int as n from ${table}`))[0]?.n ?? 0,
    async addService(id = 'svc_test') {
      const now = hub.clock.now;
      const service = em().create(Service, {
        id, product: 'fake', name: id, apiUrl: 'http://127.0.0.1:9', webhookUrl: null, healthUrl: 'http://127.0.0.1:9/health', credentials: hub.hub.secrets.encrypt('{"type":"none"}'), pushSecret: hub.hub.secrets.encrypt('push secret'),
        settings: { eventId: 'e1' }, dataSchema: null, syncInterval: 60, retries: 0, state: 'ACTIVE', health: 'HEALTHY', failures: 0, lastError: null, lastContactAt: null, syncStartedAt: null, syncFinishedAt: null, syncFacts: null, syncRejected: null,
        cursor: null, nextSyncAt: now, nextHealthAt: now, createdAt: now, createdBy: null,
      }, { persist: false });
      await em().persist(service).flush();
      return service;
    },
    async [Symbol.asyncDispose]() {
      await ingest[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
};

const minute = (n: number) => new Date(Date.UTC(2024, 5, 1, 9, n));

export const event = (more: Partial<EventFact> = {}): EventFact => ({
  kind: 'event', product: 'GateEvent', eventId: 'e1', upstreamId: 'e1', at: minute(0), name: 'An event', type: null, start: minute(0), end: minute(600), timezone: 'Asia/Seoul', region: null, organizer: null, venue: null, public: false, ...more,
});
export const status = (told: StatusFact['status'], at: number, eventId = 'e1'): StatusFact => ({ kind: 'status', eventId, upstreamId: eventId, at: minute(at), status: told });
export const registration = (id: string, at: number, state: RegistrationFact['state'] = 'CONFIRMED', participant = `p-${id}`, eventId = 'e1'): RegistrationFact => ({ kind: 'registration', eventId, upstreamId: id, at: minute(at), participant, state });
export const checkIn = (id: string, at: number, direction: CheckInFact['direction'] = 'ENTRY', participant = `p-${id}`, area = '', eventId = 'e1'): CheckInFact => ({ kind: 'checkIn', eventId, upstreamId: id, at: minute(at), direction, gateId: null, area, participant });
export const voided = (id: string, at: number, eventId = 'e1'): Fact => ({ kind: 'checkInVoided', eventId, upstreamId: id, at: minute(at) });
export const standingOf = (participant: string, at: number, standing: readonly string[], eventId = 'e1'): Fact => ({ kind: 'checkInsStanding', eventId, upstreamId: participant, at: minute(at), participant, standing: [...standing] });
export const observation = (at: number, totalRegistered: number | null = null, currentAttendees: number | null = null, eventId = 'e1'): ObservationFact => ({ kind: 'observation', eventId, at: minute(at), totalRegistered, currentAttendees });

export const registrationOf = (more: Partial<Registration> = {}): Registration => ({
  product: 'fake', serviceName: 'A service', endpoints: { api: 'http://127.0.0.1:9', webhook: null, healthCheck: null }, credentials: { type: 'api_key', apiKey: 'clear text key' }, syncInterval: 60, retries: 0, dataSchema: null, settings: { eventId: 'e1' }, eventAccess: null, by: 'key_admin', ...more,
});

export type Totals = { registered: number; current: number };

/** The served totals of an event. */
export const totalsOf = async ({ hub }: TestHub, eventId = 'e1'): Promise<Totals | undefined> =>
  (await query<Totals>(hub.database.em(), 'select total_registered as registered, current_attendees as current from attendance.live where event_id = $1', [eventId]))[0];

/** The totals by the rules alone: every fact counts once, the newest state wins, a voided check-in never was. */
export const modelTotals = (facts: readonly Fact[]): Totals => {
  const newest = new Map<string, RegistrationFact>();
  for (const fact of facts) if (fact.kind === 'registration' && (newest.get(fact.upstreamId)?.at.getTime() ?? 0) < fact.at.getTime()) newest.set(fact.upstreamId, fact);
  const registrations = [...newest.values()];
  const gone = new Set(facts.flatMap((fact) => (fact.kind === 'checkInVoided' ? [fact.upstreamId] : [])));
  const checkIns = new Map(facts.flatMap((fact) => (fact.kind === 'checkIn' && !gone.has(fact.upstreamId) ? [[fact.upstreamId, fact] as const] : [])));
  const last = (participant: string, area: string, direction: string) => Math.max(-1, ...[...checkIns.values()].filter((each) => each.participant === participant && each.area === area && each.direction === direction).map(({ at }) => at.getTime()));
  const places = [...new Map([...checkIns.values()].map(({ participant, area }) => [`${participant} ${area}`, { participant, area }])).values()];
  const entered = new Set(places.filter(({ participant, area }) => last(participant, area, 'ENTRY') > last(participant, area, 'EXIT')).map(({ participant }) => participant));
  const holds = (participant: string) => {
    const own = registrations.filter((each) => each.participant === participant);
    return own.length === 0 || own.some(({ state }) => state !== 'CANCELLED');
  };
  const observations = facts.filter((fact) => fact.kind === 'observation').toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const told = observations.at(-1);
  return {
    registered: told?.totalRegistered ?? registrations.filter(({ state }) => state !== 'CANCELLED').length,
    current: told?.currentAttendees ?? [...entered].filter(holds).length,
  };
};

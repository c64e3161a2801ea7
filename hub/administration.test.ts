/** Administration through the graph: who may do it, what is answered and what the audit log says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import type { Viewer } from '#core/viewer.ts';
import { createHandleTask, handleTask } from '#ingest/handlers.ts';
import { type Ingest, createIngest } from '#ingest/ingest.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { loadSubgraphs } from './subgraphs.ts';

const stack = new AsyncDisposableStack();
let own: TestHub;
let ingest: Ingest;
let gates: Awaited<ReturnType<typeof createGatekeeperSimulator>>;
let ask: ReturnType<typeof asker>;
const eventId = 'tech-conference-2024';
const manager = viewerOf(['manage_services'], 'all', 'key_manager');

beforeAll(async () => {
  const subgraphs = await loadSubgraphs();
  own = stack.use(await openTestHub({ entities: subgraphs.flatMap(({ entities }) => entities) }));
  ingest = stack.use(createIngest({ hub: own.hub, subgraphs, allowPrivateUpstreams: true }));
  gates = stack.use(await createGatekeeperSimulator({ seed: 'administration' }));
  const events = subgraphs.find(({ name }) => name === 'events');
  if (!events) throw new Error('no subgraph events');
  ask = asker(events, { ...own.hub, ingest });
});
afterAll(() => stack.disposeAsync());

type Payload = { service: { state: string } | null; removedServiceId?: string | null; userErrors: { code: string; field: string }[] };

const act = async (mutation: string, input: object, viewer: Viewer = manager): Promise<Payload | undefined> => {
  const { data, errors } = await ask<Record<string, Payload> | null>(
    `mutation ($input: ${mutation.replace('syncNow', 'SyncNow').replace(/^(pause|resume|rotate).*/, 'EventService').replace('updateEventService', 'UpdateEventService').replace('removeEventService', 'RemoveEventService')}Input!) { ${mutation}(input: $input) { ${mutation === 'removeEventService' ? 'removedServiceId' : ''} service { state nextSync lastSync { started finished facts error { code } } circuit { state } budget { limit } } userErrors { code field message } } }`,
    viewer,
    { input },
  );
  expect(errors).toEqual([]);
  return data?.[mutation];
};

test('a service is administered by who may see all of its events; every step is in the audit log, and nothing secret is told', async () => {
  const input = { product: 'gatekeeper', serviceName: 'Gates', eventId, endpoints: { api: gates.endpoint(eventId) }, authentication: { type: 'API_KEY', credentials: { apiKey: gates.apiKey } } };
  const registered = await ask<{ registerEventService: { service: { id: string } } }>('mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { service { id } userErrors { code message } } }', manager, { input });
  const serviceId = registered.data.registerEventService.service.id;
  await query(own.hub.database.em(), `insert into hub.event_ids (event_id, service_id) values ('another', $1)`, [serviceId]);

  const some = viewerOf(['manage_services'], [eventId], 'key_some');
  expect(await act('pauseEventService', { serviceId }, some)).toMatchObject({ service: null, userErrors: [{ code: 'SERVICE_NOT_ALLOWED', field: 'input.serviceId' }] });
  for (const viewer of [viewerOf(['manage_services'], []), viewerOf(['manage_services'], ['elsewhere'])]) expect(await act('removeEventService', { serviceId, withData: true }, viewer)).toMatchObject({ userErrors: [{ code: 'SERVICE_UNKNOWN' }] });
  const refused = await ask('mutation ($input: EventServiceInput!) { pauseEventService(input: $input) { userErrors { code } } }', viewerOf(['read_events']), { input: { serviceId } });
  expect(refused.errors.map(({ code }) => code)).toEqual(['FORBIDDEN']);

  const both = viewerOf(['manage_services'], [eventId, 'another'], 'key_both');
  expect(await act('syncNow', { serviceId, full: true }, both)).toMatchObject({ service: { state: 'ACTIVE', circuit: { state: 'CLOSED' }, lastSync: { error: null } }, userErrors: [] });
  const retried = await ask<{ retryRejected: { recovered: number; userErrors: object[] } }>('mutation ($input: RetryRejectedInput!) { retryRejected(input: $input) { recovered userErrors { code } } }', both, { input: { serviceId, ids: ['checkIn:1'] } });
  expect(retried).toEqual({ data: { retryRejected: { recovered: 0, userErrors: [] } }, errors: [] });
  expect(await act('pauseEventService', { serviceId })).toMatchObject({ service: { state: 'PAUSED', nextSync: null }, userErrors: [] });
  expect(await act('syncNow', { serviceId })).toMatchObject({ service: null, userErrors: [{ code: 'SERVICE_PAUSED' }] });
  expect(await act('resumeEventService', { serviceId })).toMatchObject({ service: { state: 'ACTIVE' }, userErrors: [] });
  const wrong = { type: 'API_KEY', credentials: { apiKey: 'a wrong key' } };
  expect(await act('updateEventService', { serviceId, authentication: wrong })).toMatchObject({ service: null, userErrors: [{ code: 'UPSTREAM_STATUS' }] });
  expect(await act('updateEventService', { serviceId, serviceName: 'Doors', organizerInfo: { contact: 'o@example.org' } })).toMatchObject({ service: { state: 'ACTIVE' }, userErrors: [] });
  expect(await act('updateEventService', { serviceId })).toMatchObject({ userErrors: [{ code: 'NOTHING_TO_UPDATE' }] });
  expect(await act('rotatePushSecret', { serviceId })).toMatchObject({ service: { state: 'ACTIVE' }, userErrors: [] });
  expect(await act('removeEventService', { serviceId, withData: false })).toMatchObject({ removedServiceId: serviceId, service: { state: 'REMOVED' }, userErrors: [] });
  expect(await act('removeEventService', { serviceId, withData: true })).toMatchObject({ removedServiceId: serviceId, service: null, userErrors: [] });

  await handleAll();
  const entries = await query<{ action: string; actor: string; subject: string; details: object }>(own.hub.database.em(), 'select action, actor, subject, details from access.audit_log order by id');
  expect(entries.map(({ action, actor }) => `${action} ${actor}`)).toEqual([
    'service.registered key_manager', 'service.sync_requested key_both', 'service.retry_requested key_both', 'service.paused key_manager', 'service.resumed key_manager', 'service.updated key_manager', 'service.push_secret_rotated key_manager', 'service.removed key_manager', 'service.removed key_manager',
  ]);
  expect(entries[5]?.details).toEqual({ name: 'Doors', product: 'gatekeeper', changed: ['name', 'settings'] });
  expect(entries[2]?.details).toEqual({ name: 'Gates', records: 1 });
  for (const secret of [gates.apiKey, 'a wrong key']) expect(JSON.stringify(entries)).not.toContain(secret);
});

/** What the worker does with the jobs of handlers. */
const handleAll = async (): Promise<void> => {
  const jobs = await query<{ payload: unknown }>(own.hub.database.em(), `select j.payload from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = $1 order by j.id`, [handleTask]);
  const run = createHandleTask({ ...own.hub, ingest }, ingest.subgraphs);
  for (const { payload } of jobs) await run(payload);
};

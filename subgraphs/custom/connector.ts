/**
 * Any HTTP service whose lists, mappings and webhooks are declared in its settings.
 *
 * A pull reads the lists in the order of the settings, each page by page; lists of each event are read for the events
 * that were found before. The cursor stands after every page, so a pull that was broken off goes on there. A list that
 * fails ends the pull; a list of one event that fails costs that event's list alone.
 */
import { z } from 'zod';
import type { Batch, Connector, Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { factsOf } from '#core/facts.ts';
import { type Cursor, eventsOf, listKey, listRead, mostEvents, passDone, readCursor, withoutEvent } from './connector-cursor.ts';
import type { KnownEvent } from './connector-facts.ts';
import { readList, readSample } from './connector-lists.ts';
import { mapRecords, readAnswer, textOf } from './connector-mapping.ts';
import { receivePush, requireSecret, webhookSecret } from './connector-push.ts';
import { type CustomContext, type CustomSettings, type DeclaredCall, type Resource, isPerEvent, settings } from './connector-settings.ts';
import { callDeclared, fetchHealth } from './upstream.ts';

export const connector: Connector<CustomSettings> = {
  product: 'custom',
  settings,
  budget: ({ budget }) => budget ?? null,
  needsPushUrl: ({ webhook }) => webhook?.verify.by === 'token' && !webhook.subscribe,
  async checkHealth(context) {
    requireSecret(context);
    const answer = await fetchHealth(context);
    const { healthy } = context.service.settings;
    if (healthy !== undefined && (await readAnswer(context, textOf(answer), { healthy })).healthy !== true) throw new UpstreamError('shape', 'The health check does not answer what `healthy` says of a healthy service.', { field: 'healthy' });
  },
  /** The first record of a list that the registration's `dataSchema` is about. */
  async fetchSample(context) {
    const resource = context.service.settings.resources.find((each) => !isPerEvent(each) && !each.schema);
    return resource ? (await readSample(context, resource))[0] : undefined;
  },
  exchangeKeys: (context) => tellWebhook(context, context.service.settings.webhook?.subscribe),
  withdrawKeys: (context) => tellWebhook(context, context.service.settings.webhook?.unsubscribe),
  async *pull(context, stored) {
    const { resources } = context.service.settings;
    const known = resumable(readCursor(stored), resources);
    let cursor: Cursor = known.at ? known : { ...known, pass: known.pass + 1 };
    const lost: Rejected[] = [];
    const observed = new Set<string>();
    const behind = resources.findIndex(({ name }) => name === cursor.at?.resource);
    for (const resource of resources.slice(Math.max(0, behind))) {
      for (const event of targetsOf(resource, cursor, context.preview ?? false)) {
        const list = { resource, event };
        try {
          for await (const batch of readList(context, list, cursor, { firstPageOnly: context.preview ?? false })) {
            for (const { eventId } of factsOf(batch.facts, 'observation')) observed.add(eventId);
            ({ cursor } = batch);
            yield batch;
          }
        } catch (error) {
          if (!event || !isOfOneEvent(error)) throw error;
          lost.push({ upstreamId: listKey(resource.name, event), reason: `${error.code}: ${error.message}`, raw: null });
          cursor = afterFailure(cursor, resource, event, error);
        }
      }
    }
    cursor = passDone(cursor, tellsAllEvents(resources));
    yield endOf(context, cursor, observed, lost);
  },
  receive: receivePush,
  async translateAgain(context, records) {
    const facts = [];
    const rejected: Rejected[] = [];
    for (const record of records) {
      const again = await mapAgain(context, record);
      facts.push(...again.facts);
      rejected.push(...again.rejected);
    }
    return { facts, rejected };
  },
};

const tellWebhook = async (context: CustomContext, call: DeclaredCall | undefined): Promise<void> => {
  const { webhook } = context.service.endpoints;
  if (!call || webhook === null) return;
  const signed = ['hmac', 'standardWebhooks'].includes(context.service.settings.webhook?.verify.by ?? '');
  const { body } = await readAnswer(context, 'null', { body: call.body }, { bindings: { webhook: { url: webhook, ...(signed ? { secret: webhookSecret(context) } : {}) } } });
  await callDeclared(context, call, body);
};

/** The settings may be others than those that the cursor was left with. */
const resumable = (cursor: Cursor, resources: readonly Resource[]): Cursor => (cursor.at && !resources.some(({ name }) => name === cursor.at?.resource) ? { ...cursor, at: null } : cursor);

/** What a list is read for: nothing more, or each event; of those that a pull was broken off at, the rest. */
const targetsOf = (resource: Resource, cursor: Cursor, firstOnly: boolean): readonly (KnownEvent | null)[] => {
  if (!isPerEvent(resource)) return [null];
  const from = cursor.at?.resource === resource.name ? cursor.at.event : null;
  const events = eventsOf(cursor).filter(({ eventId }) => from === null || eventId >= from);
  return firstOnly ? events.slice(0, 1) : events;
};

/** An event that is gone, forbidden or answers nonsense says nothing about the others; a dead server does. */
const isOfOneEvent = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && (error.reason === 'shape' || error.reason === 'not_json' || (error.reason === 'status' && Number(error.facts.status) < 500 && Number(error.facts.status) !== 401));

const afterFailure = (cursor: Cursor, { name }: Resource, event: KnownEvent, error: UpstreamError): Cursor => {
  const isGone = error.facts.status === 404 || error.facts.status === 410;
  return listRead(isGone ? withoutEvent(cursor, event.eventId) : cursor, listKey(name, event), null);
};

/** Whether every pass tells of all events that there are. */
const tellsAllEvents = (resources: readonly Resource[]): boolean => !resources.some((each) => each.since && !isPerEvent(each));

/** Every event that is known was reached, and is as it is told up to now. */
const endOf = (context: CustomContext, cursor: Cursor, observed: ReadonlySet<string>, lost: readonly Rejected[]): Batch => {
  const at = context.now();
  const events = eventsOf(cursor);
  const silent = events.filter(({ eventId }) => !observed.has(eventId));
  const full: Rejected[] = events.length < mostEvents || !context.service.settings.resources.some(isPerEvent) ? [] : [{ upstreamId: 'events', reason: `LIMIT: lists of each event are read for ${mostEvents} events at the most`, raw: null }];
  return { facts: silent.map(({ eventId }) => ({ kind: 'observation', eventId, at, totalRegistered: null, currentAttendees: null })), rejected: [...lost, ...full], cursor };
};

/** What was rejected, as `raw` keeps it. */
const kept = z.object({ resource: z.string(), event: z.object({ eventId: z.string(), upstreamId: z.string() }).nullable(), record: z.unknown() });

const mapAgain = async (context: CustomContext, rejected: Rejected): Promise<Pick<Batch, 'facts' | 'rejected'>> => {
  const raw = kept.safeParse(rejected.raw);
  const { resources, webhook } = context.service.settings;
  const source = raw.success ? (raw.data.resource === 'webhook' ? webhook : resources.find(({ name }) => name === raw.data.resource)) : undefined;
  if (!raw.success || !source?.mapping) return { facts: [], rejected: [rejected] };
  const schema = source.schema ?? ('path' in source ? (context.service.dataSchema ?? null) : null);
  const mapped = await mapRecords(context, { name: raw.data.resource, event: raw.data.event, schema, mapping: source.mapping, readAt: rejected.readAt ?? context.now() }, [raw.data.record]);
  return { facts: mapped.facts, rejected: mapped.rejected };
};

/**
 * Registering a programme: every event through the registration of a single one, some at a time, each with an outcome of
 * its own. An event is added to the programme after its registration, so one of a call that was broken off is added by
 * the next, which finds it registered at the same endpoint.
 */
import { bulkhead } from 'cockatiel';
import { InputError } from '#core/errors.ts';
import type { Registration } from '#core/ingest-port.ts';
import type { Hub } from '#core/subgraph.ts';
import type { Viewer } from '#core/viewer.ts';
import type { RegisterProgrammeInput, UserError } from './generated/types.ts';
import { type ProgrammeEntry, checkRegions, fieldIn, mismatches, parseProgramme } from './programmes.ts';
import { type KnownEvent, addToProgramme, findKnownEvent, findProgrammeId, regionsOf } from './programmes-store.ts';

/** What came of an event. `serviceId` is null where no service was registered or found for it. */
export type EntryOutcome = { readonly region: string; readonly eventId: string; readonly serviceId: string | null; readonly userErrors: readonly UserError[] };
export type ProgrammeOutcome = { readonly programmeId: string | null; readonly entries: readonly EntryOutcome[] };

export type ProgrammeLimits = {
  /** Registrations at the same time. */
  readonly atOnce: number;
  /** None is begun later than this: one takes up to 60 s, and a gateway waits 90 s for a subgraph's mutation. */
  readonly beginMs: number;
};
const defaultLimits: ProgrammeLimits = { atOnce: 8, beginMs: 25_000 };

/** `signal` is aborted when nobody waits any more. */
type Caller = { readonly hub: Hub; readonly viewer: Viewer; readonly signal: AbortSignal };

/** Throws an InputError for what is wrong with the programme as a whole: then nobody was called and nothing is stored. */
export const registerProgramme = async (caller: Caller, input: RegisterProgrammeInput, limits: ProgrammeLimits = defaultLimits): Promise<ProgrammeOutcome> => {
  const { hub, viewer } = caller;
  const { name, entries } = parseProgramme(input, { products: hub.ingest.products, by: viewer.keyId, events: viewer.events });
  checkRegions([...(await regionsOf(hub.database.em(), name)), ...entries.map(({ region }) => region)]);
  const tooLate = AbortSignal.any([caller.signal, AbortSignal.timeout(limits.beginMs)]);
  const slots = bulkhead(limits.atOnce, entries.length);
  const outcomes = new Map<ProgrammeEntry, EntryOutcome>();
  const settleInTurn = async (group: readonly ProgrammeEntry[]): Promise<void> => {
    for (const entry of group) outcomes.set(entry, tooLate.aborted ? notBegun(entry) : await settle(caller, name, entry));
  };
  await Promise.all(byService(entries).map((group) => slots.execute(() => settleInTurn(group))));
  return { programmeId: await findProgrammeId(hub.database.em(), name), entries: entries.flatMap((entry) => outcomes.get(entry) ?? []) };
};

/** Events of one service go one after the other: the first may bring the others with it. */
const byService = (entries: readonly ProgrammeEntry[]): ProgrammeEntry[][] => [...Map.groupBy(entries, ({ plan, field }) => (plan instanceof InputError ? field : `${plan.product} ${plan.endpoints.api}`)).values()];

const failed = ({ region, eventId }: ProgrammeEntry, code: string, field: string, message: string): EntryOutcome => ({ region, eventId, serviceId: null, userErrors: [{ code, field, message }] });

const notBegun = (entry: ProgrammeEntry): EntryOutcome => failed(entry, 'NOT_TRIED', entry.field, 'Its turn did not come in time. Register the programme again: what is there is left as it is.');

/** Never rejects: what goes wrong within costs the other events nothing. */
const settle = async (caller: Caller, programme: string, entry: ProgrammeEntry): Promise<EntryOutcome> => {
  const { plan } = entry;
  if (plan instanceof InputError) return failed(entry, plan.code, plan.field, plan.message);
  try {
    return await place(caller, programme, entry, plan);
  } catch (error) {
    caller.hub.logger.error({ err: error, eventId: entry.eventId }, 'the registration of an event of a programme failed');
    return failed(entry, 'INTERNAL_SERVER_ERROR', entry.field, 'The hub failed; its log says why.');
  }
};

const place = async (caller: Caller, programme: string, entry: ProgrammeEntry, plan: Registration): Promise<EntryOutcome> => {
  const { hub } = caller;
  const find = (): Promise<KnownEvent | null> => findKnownEvent(hub.database.em(), entry.eventId);
  const before = await find();
  const result = before ? null : await hub.ingest.register(plan);
  const refusal = result?.ok === false ? failed(entry, result.code, fieldIn(entry.field, result.field), `${result.step}: ${result.message}`) : null;
  // A call beside this one may have been faster.
  if (refusal && refusal.userErrors[0]?.code !== 'EVENT_ID_TAKEN') return refusal;
  const known = before ?? (await find());
  if (!known) return refusal ?? notTold(entry, result?.ok ? result.serviceId : null);
  const isElsewhere = known.product !== plan.product || known.apiUrl !== plan.endpoints.api;
  if (isElsewhere && known.programme === null) return failed(entry, 'EVENT_ID_TAKEN', `${entry.field}.eventId`, `The event id ${entry.eventId} belongs to another service.`);
  const member = known.programme === null ? ((await add(caller, programme, entry, known)), await find()) : known;
  if (member?.programme !== programme) return failed(entry, 'EVENT_IN_OTHER_PROGRAMME', `${entry.field}.eventId`, `The event ${entry.eventId} is in another programme already.`);
  return { region: entry.region, eventId: entry.eventId, serviceId: member.serviceId, userErrors: mismatches(entry, { ...member, isElsewhere }) };
};

const notTold = (entry: ProgrammeEntry, serviceId: string | null): EntryOutcome => ({
  ...failed(entry, 'EVENT_NOT_TOLD', `${entry.field}.eventId`, `The service is registered, but has told of no event ${entry.eventId}. Register the programme again once it does.`),
  serviceId,
});

const add = async ({ hub, viewer }: Caller, programme: string, { eventId, region }: ProgrammeEntry, { serviceId }: KnownEvent): Promise<void> => {
  const [by, now] = [viewer.keyId, hub.now()];
  const events = await hub.database.em().transactional(async (em) => {
    const programmeId = await addToProgramme(em, { programme, eventId, region, by, now });
    return programmeId === null ? [] : hub.ingest.record(em, [{ type: 'programme.event_added', eventId, occurredAt: now, payload: { programmeId, name: programme, region, by } }], serviceId);
  });
  await hub.ingest.announce(events);
};

/**
 * Glossary
 * - activity: something that a user did, as a client tells it.
 * - collector: the client whose activities have ids of their own: its name, or its credential's id where it has none.
 * - external id: the client's own id of an activity. Two of one collector with the same are one.
 * - taken: cannot be lost any more, though it may not be stored yet.
 * - purchase: an activity that tells of an order, its price and its currency.
 */
import { sha256 } from '#core/digest.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { eventId as eventIdSchema } from '#core/facts.ts';
import { findZeroByte } from '#core/subgraph.ts';
import { type Viewer, maySeeEvent, termsOf } from '#core/viewer.ts';
import type { ActivityInput } from './generated/types.ts';
import { readParameters } from './parameters.ts';
import { type Purchase, readPurchase } from './purchase.ts';

/** `field`: where it stands in the input. */
export type Mistake = { readonly code: string; readonly field: string; readonly message: string };

/** As it waits in the inbox: JSON, with nothing of a person in clear. */
export type TakenActivity = {
  readonly id: string;
  readonly collector: string;
  readonly externalId: string;
  readonly name: string;
  /** Keyed hash of the user. */
  readonly participant: string;
  readonly eventId: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** Encrypted JSON. */
  readonly parameters: string;
  readonly purchase: Purchase | null;
  readonly purchaseProblem: Mistake | null;
};

export type Reading = { readonly taken: readonly TakenActivity[]; readonly warnings: readonly Mistake[]; readonly userErrors: readonly Mistake[] };

/** What reading needs of the hub. */
export type Reader = { readonly viewer: Viewer; readonly now: Date; readonly hashUser: (userId: string) => string; readonly encrypt: (text: string) => string };

const most = 1_000;

/** Reads a batch: what is good is taken, whatever else is in it. */
export const readActivities = (activities: readonly ActivityInput[], reader: Reader): Reading => {
  const field = 'input.activities';
  if (activities.length === 0) return refused('ACTIVITIES_MISSING', field, 'Give at least one activity.');
  if (activities.length > most) return refused('ACTIVITIES_EXCEEDED', field, `${activities.length} activities are given; the maximum is ${most}.`);
  const read = activities.map((activity, index) => readActivity(activity, `${field}.${index}`, reader));
  return { taken: read.flatMap((each) => each.taken), warnings: read.flatMap((each) => each.warnings), userErrors: read.flatMap((each) => each.userErrors) };
};

const refused = (code: string, field: string, message: string): Reading => ({ taken: [], warnings: [], userErrors: [{ code, field, message }] });

const readActivity = (given: ActivityInput, field: string, reader: Reader): Reading => {
  const parameters = readParameters(given.parameters, `${field}.parameters`);
  const mistakes = [textMistake('ID_INVALID', `${field}.externalId`, given.externalId), textMistake('NAME_INVALID', `${field}.name`, given.name), textMistake('USER_ID_INVALID', `${field}.userId`, given.userId), eventMistake(given.eventId, `${field}.eventId`, reader.viewer)].filter((each) => each !== null);
  if ('mistake' in parameters) return { taken: [], warnings: [], userErrors: [...mistakes, parameters.mistake] };
  const zero = findZeroByte({ ...given }, [field]);
  if (zero !== null) mistakes.push({ code: 'TEXT_INVALID', field: zero, message: 'The text contains a zero byte.' });
  if (mistakes.length > 0) return { taken: [], warnings: [], userErrors: mistakes };
  const collector = collectorOf(reader.viewer);
  const { purchase, problem } = readPurchase(parameters.parameters);
  const taken: TakenActivity = {
    id: activityId(collector, given.externalId),
    collector,
    externalId: given.externalId,
    name: given.name,
    participant: reader.hashUser(given.userId),
    eventId: given.eventId ?? null,
    at: reader.now.toISOString(),
    parameters: reader.encrypt(parameters.json),
    purchase,
    purchaseProblem: problem,
  };
  return { taken: [taken], warnings: problem ? [{ ...problem, field: `${field}.${problem.field}` }] : [], userErrors: [] };
};

const longest = 200;

const textMistake = (code: string, field: string, text: string): Mistake | null =>
  text.length >= 1 && text.length <= longest && text.isWellFormed() ? null : { code, field, message: `A text of 1 to ${longest} characters, without halves of characters.` };

const eventMistake = (id: string | null | undefined, field: string, viewer: Viewer): Mistake | null => {
  if (id === null || id === undefined) return null;
  if (!eventIdSchema.safeParse(id).success) return { code: 'EVENT_ID_INVALID', field, message: 'An event id has letters, digits, dot, dash and underscore, 128 at most.' };
  return maySeeEvent(viewer, id) ? null : { code: 'EVENT_NOT_ALLOWED', field, message: 'The key does not allow this event.' };
};

/** Keys, tokens and grants of one client are one collector: what a key sent is known when its successor sends it again. */
export const collectorOf = (viewer: Viewer): string => {
  const { client } = termsOf(viewer);
  return client === null ? `key:${viewer.keyId ?? ''}` : `client:${client}`;
};

/** The length keeps the two parts apart, whatever is in them. */
export const activityId = (collector: string, externalId: string): string => sha256(`${collector.length}:${collector}${externalId}`).slice(0, 22);

/** What happened, of activities that are new: once a purchase, as an activity is new once. */
export const purchasesOf = (activities: readonly TakenActivity[]): NewDomainEvent<'purchase.recorded'>[] =>
  activities.flatMap(({ id, participant, eventId, at, purchase }) =>
    purchase ? [{ type: 'purchase.recorded' as const, eventId, occurredAt: new Date(at), payload: { purchaseId: id, source: 'activity' as const, participant, at, ...purchase } }] : [],
  );

/** Users of all clients are the organisation's: one id is one person, whoever tells of it. */
export const userScope = 'activity';

/** Runs the declared expressions in the sandbox: what an answer holds, and which facts its records tell. */
import type { Rejected } from '#core/connector.ts';
import { sha256Hex } from '#core/digest.ts';
import { EventgraphError, UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import { type KnownEvent, completeFacts } from './connector-facts.ts';
import { type Outcome, Stopped, type Value, createSandbox } from './connector-sandbox.ts';
import { type CustomContext, settingsBinding } from './connector-settings.ts';

/** One for all services of a process; its processes start with the first expression and end when there is none. */
const sandbox = createSandbox({ processes: 2, deadlineMs: 2_000 });

/** Records a round trip to the sandbox. */
const recordsAtOnce = 250;
/** Records of one page that may come to no end: with more, the mapping is at fault and not the records. */
const mostStopped = 3;

/** Where records come from: a resource by its name, or `webhook`. */
export type Origin = { readonly name: string; readonly event: KnownEvent | null; readonly schema: Readonly<Record<string, unknown>> | null; readonly mapping: string; readonly readAt: Date };

export type Mapped = { readonly facts: Fact[]; readonly rejected: Rejected[] };

const bindingsOf = ({ service }: CustomContext, event: KnownEvent | null): Readonly<Record<string, unknown>> => ({ event, settings: settingsBinding(service.settings) });

/**
 * What each expression came to on an answer (text, to be JSON), by their names. Throws an UpstreamError of shape where one fails on it:
 * then nothing is known of the answer.
 */
export const readAnswer = async <Name extends string>(context: CustomContext, answer: string, expressions: Readonly<Record<Name, string | undefined>>, more: { readonly event?: KnownEvent | null; readonly bindings?: Readonly<Record<string, unknown>> } = {}): Promise<Record<Name, unknown>> => {
  const wanted = Object.entries(expressions).filter((each): each is [Name, string] => each[1] !== undefined);
  const values = (await sandbox.run(context.service.serviceId, { kind: 'read', answer, expressions: Object.fromEntries(wanted), bindings: { ...bindingsOf(context, more.event ?? null), ...more.bindings } }, { signal: context.signal })) as Record<Name, Value>;
  return Object.fromEntries(
    wanted.map(([name]) => {
      const value = values[name];
      if ('reason' in value) throw new UpstreamError('shape', `The expression \`${name}\` fails on the answer: ${value.reason}`, { expression: name });
      return [name, value.value];
    }),
  ) as Record<Name, unknown>;
};

/** An answer as text. Throws an UpstreamError of shape where it is nested too deep to be written. */
export const textOf = (answer: unknown): string => {
  try {
    return JSON.stringify(answer ?? null);
  } catch {
    throw new UpstreamError('shape', 'The answer is nested too deep to be read.');
  }
};

/** Records of what an expression for `items` came to. */
export const recordsIn = (items: unknown): unknown[] => (items == null ? [] : Array.isArray(items) ? (items as unknown[]) : [items]);

/** The facts that records tell; of each that fails, or of whose facts some fail, the reason. */
export const mapRecords = async (context: CustomContext, origin: Origin, records: readonly unknown[]): Promise<Mapped> => {
  const mapped: Mapped = { facts: [], rejected: [] };
  for (let from = 0; from < records.length; from += recordsAtOnce) {
    const slice = records.slice(from, from + recordsAtOnce);
    const outcomes = await outcomesOf(context, origin, slice);
    for (const [index, record] of slice.entries()) addOutcome(mapped, outcomes[index] ?? { reason: 'MAPPING: no outcome' }, record, origin, context);
  }
  return mapped;
};

const addOutcome = (mapped: Mapped, outcome: Outcome, record: unknown, origin: Origin, context: CustomContext): void => {
  const own = recordName(origin, record);
  const reject = (upstreamId: string, reason: string): void => void mapped.rejected.push({ upstreamId, reason, raw: { resource: origin.name, event: origin.event, record }, readAt: origin.readAt });
  if ('reason' in outcome) return reject(own, outcome.reason);
  const { facts, failed } = completeFacts(outcome.facts, { context, resource: origin.name, event: origin.event, readAt: origin.readAt });
  mapped.facts.push(...facts);
  for (const { name, reason } of failed) reject(name.startsWith('#') ? own + name : name, reason);
};

/** All at once; and one by one where something of it does not come to an end, so that only that is lost. */
const outcomesOf = async (context: CustomContext, { event, schema, mapping }: Origin, records: readonly unknown[]): Promise<readonly Outcome[]> => {
  const task = { kind: 'map', records, mapping, schema, bindings: bindingsOf(context, event) } as const;
  const { service: { serviceId }, signal } = context;
  try {
    return (await sandbox.run(serviceId, { ...task, oneByOne: false }, { signal })) as readonly Outcome[];
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  const outcomes: Outcome[] = [];
  let stopped = 0;
  while (outcomes.length < records.length) {
    try {
      await sandbox.run(serviceId, { ...task, records: records.slice(outcomes.length), oneByOne: true }, { signal, told: (outcome) => outcomes.push(outcome) });
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      signal.throwIfAborted();
      if (++stopped > mostStopped) throw new EventgraphError('MAPPING_TOO_COSTLY', `The mapping came to no end on more than ${mostStopped} records of a page. ${error.message}`, { resource: mapping.slice(0, 100) });
      outcomes.push({ reason: `MAPPING_TOO_COSTLY: ${error.message}` });
    }
  }
  return outcomes;
};

/** By its own id where it has one. */
const recordName = ({ name, event }: Origin, record: unknown): string => {
  const own = typeof record === 'object' && record !== null && 'id' in record && (typeof record.id === 'string' || typeof record.id === 'number') && record.id !== '' ? String(record.id).slice(0, 80) : sha256Hex(JSON.stringify(record) ?? '').slice(0, 16);
  return `${name}${event ? `/${event.eventId.slice(0, 60)}` : ''}:${own}`;
};

/**
 * What a registration would bring, without it: the same steps up to the first batches, and the same choice of facts, in a
 * transaction that is rolled back. No key is exchanged and nothing is stored.
 */
import type { Batch, Connector, ConnectorContext, Rejected } from '#core/connector.ts';
import { compileDataSchema } from '#core/data-schema.ts';
import type { Fact } from '#core/facts.ts';
import type { Preview, Registration } from '#core/ingest-port.ts';
import type { Service } from '#core/services.ts';
import { refuseNamedEvents } from './event-access.ts';
import type { Ingest } from './ingest.ts';
import { newService, refuseTakenEvents, takenOf } from './register.ts';
import { type Selection, selectFacts } from './select.ts';
import { type StepLimits, StepFailed, checkSettings, defaultLimits, failureOf, step, tryOut } from './steps.ts';

/** A look ends at so many facts, characters of them as JSON, or batches, or after so long. */
const mostFacts = 5_000;
const mostCharacters = 8_000_000;
const mostBatches = 100;
const longestLookMs = 15_000;
/** Facts of each kind, and rejected records, that are shown. */
const mostShown = 100;
/** Characters of JSON that are shown: of facts, of rejected records, and of one of these. */
const mostShownCharacters = 1_000_000;
const longestRecord = 64 * 1024;

type Found = { batches: Batch[]; complete: boolean };

export const preview = async (ingest: Ingest, registration: Registration, limits: StepLimits = defaultLimits): Promise<Preview> => {
  const service = newService(ingest, registration);
  const found: Found = { batches: [], complete: false };
  try {
    await look(ingest, registration, service, limits, found);
    return { ...(await shown(ingest, service, found)), failure: null };
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    const { ok: _ok, ...failure } = failureOf(ingest, error);
    return { ...(await shown(ingest, service, found)), failure };
  } finally {
    await ingest.forget(service.id);
  }
};

/** Throws a StepFailed; what was found before stays found. */
const look = async (ingest: Ingest, registration: Registration, service: Service, limits: StepLimits, found: Found): Promise<void> => {
  const connector = ingest.connectors.get(registration.product) as Connector<unknown>;
  await step('SETTINGS', 'input.settings', () => checkSettings(connector, registration.settings));
  refuseNamedEvents(registration.eventAccess, registration.settings);
  const validate = await step('SAMPLE', 'input.syncSettings.dataSchema', () => registration.dataSchema && compileDataSchema(registration.dataSchema));
  const signal = AbortSignal.timeout(limits.totalMs);
  const [context, pressing] = [ingest.contextFor(service, signal), ingest.pressingContextFor(service, signal)];
  await tryOut(connector, { context, pressing }, validate, limits.healthMs);
  await step('INITIAL_SYNC', 'input.endpoints.api', async () => {
    await readFirst(connector, { ...context, preview: true }, found);
    refuseTakenEvents(registration, found.batches, await takenOf(ingest, found.batches));
  });
};

const readFirst = async (connector: Connector<unknown>, context: ConnectorContext, found: Found): Promise<void> => {
  const until = performance.now() + longestLookMs;
  let [facts, characters] = [0, 0];
  for await (const batch of connector.pull(context, null)) {
    found.batches.push(batch);
    facts += batch.facts.length;
    characters += JSON.stringify([batch.facts, batch.rejected]).length;
    if (facts >= mostFacts || characters >= mostCharacters || found.batches.length >= mostBatches || performance.now() > until) return;
  }
  found.complete = found.batches.at(-1)?.complete !== false;
};

const shown = async (ingest: Ingest, service: Service, { batches, complete }: Found): Promise<Omit<Preview, 'failure'>> => {
  const selections = await selectAndRollBack(ingest, service, batches);
  const facts = selections.flatMap(({ sound }) => sound);
  const rejected = [...batches.flatMap((batch) => batch.rejected), ...selections.flatMap((each) => each.rejected)];
  const shownFacts = upTo(firstOfEachKind(facts));
  return { facts: shownFacts, factCount: facts.length, ...shownRejected(rejected), rejectedCount: rejected.length, complete };
};

/** As many of them, from the first, as may be shown. */
const upTo = <Item>(items: readonly Item[]): Item[] => {
  let left = mostShownCharacters;
  return items.filter((each) => (left -= JSON.stringify(each ?? null).length) >= 0);
};

/** The reasons of the first, and their records where those are not too large. */
const shownRejected = (rejected: readonly Rejected[]): Pick<Preview, 'rejected' | 'recordsCut'> => {
  const first = rejected.slice(0, mostShown);
  const kept = new Set(upTo(first.filter(({ raw }) => JSON.stringify(raw ?? null).length <= longestRecord)));
  return { rejected: first.map((each) => (kept.has(each) ? each : { ...each, raw: null })), recordsCut: first.length - kept.size };
};

const firstOfEachKind = (facts: readonly Fact[]): Fact[] => [...Map.groupBy(facts, ({ kind }) => kind).values()].flatMap((some) => some.slice(0, mostShown));

class RolledBack extends Error {}

/** What would be taken and what refused, decided where it is decided for a registration. */
const selectAndRollBack = async (ingest: Ingest, service: Service, batches: readonly Batch[]): Promise<Selection[]> => {
  const selections: Selection[] = [];
  if (batches.length === 0) return selections;
  try {
    await ingest.hub.database.em().transactional(async (em) => {
      em.persist(service);
      await em.flush();
      for (const { facts } of batches) selections.push(await selectFacts(em, service.id, facts, ingest.hub.now()));
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return selections;
};

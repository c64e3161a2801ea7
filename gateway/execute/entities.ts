/** The distinct entities that one request asks a subgraph for, and where in the answer each of them stands. */
import type { FetchStep } from '../plan/plan.ts';
import type { Execution, JsonObject } from './context.ts';
import { type Slot, forgetDuplicates } from './places.ts';
import type { Representer } from './representations.ts';

/** One distinct representation, as JSON, with every object that it stands for and the fetch that wants it there. */
export type Entity = { readonly text: string; readonly uses: { readonly fetch: FetchStep; readonly target: JsonObject }[] };

/** By their representations, in the order in which they are sent. */
export type Entities = Map<string, Entity>;

/**
 * Equal representations are sent once. Where a representation is all that is known of an object, equal objects of one
 * place become one object, so that what comes later is merged, walked and written once.
 */
export const addEntities = (execution: Pick<Execution, 'shared' | 'held' | 'walks'>, entities: Entities, fetch: FetchStep, representer: Representer, slots: readonly Slot[]): void => {
  const unify = fetch.mayUnify && !execution.held.has(fetch.place);
  let hasDuplicates = false;
  execution.held.add(fetch.place);
  for (const slot of slots) {
    const text = representer.represent(slot.object);
    if (text === undefined) continue;
    const known = entities.get(text);
    if (!known) entities.set(text, { text, uses: [{ fetch, target: slot.object }] });
    else if (unify && becomesOne(execution, known, fetch, representer, slot)) hasDuplicates = true;
    else known.uses.push({ fetch, target: slot.object });
  }
  if (hasDuplicates) forgetDuplicates(execution, fetch, slots);
};

const becomesOne = ({ shared }: Pick<Execution, 'shared'>, { uses }: Entity, fetch: FetchStep, { isWhole }: Representer, { holder, key, object }: Slot): boolean => {
  const last = uses[uses.length - 1];
  if (last?.fetch !== fetch || !isWhole(object) || !isWhole(last.target)) return false;
  (holder as Record<string | number, unknown>)[key] = last.target;
  shared.add(last.target);
  return true;
};

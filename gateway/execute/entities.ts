/** The distinct entities that one request asks a subgraph for, and where in the answer each of them stands. */
import type { FetchStep } from '../plan/plan.ts';
import type { Execution, JsonObject } from './context.ts';
import { isSameJson } from './same-json.ts';
import { type Slot, forgetDuplicates } from './places.ts';
import type { Representer } from './representations.ts';

/** One distinct representation, as JSON, with every object that it stands for and the fetch that wants it there. */
export type Entity = { readonly text: string; readonly uses: { readonly fetch: FetchStep; readonly target: JsonObject }[] };

/** For each type whose representations one field tells apart: the entities by the value of that field. */
type Known = Map<string, Map<unknown, Entity>>;

/** By what tells their representations apart, in the order in which they are sent. */
export class Entities {
  readonly list: Entity[] = [];
  private readonly byText = new Map<string, Entity>();
  private readonly byForm = new Map<string, Known>();

  /** The entities that are known by representations of this form. */
  knownBy({ form }: Representer): Known {
    let known = this.byForm.get(form);
    if (!known) this.byForm.set(form, (known = new Map<string, Map<unknown, Entity>>()));
    return known;
  }

  /** The entity that the object is a use of, new or known; what stands for none is as in `represent`. */
  entityOf({ represent, keyField }: Representer, target: JsonObject, known: Known): Entity | null | undefined {
    const typename = target['__typename'];
    const field = keyField(typename);
    const value = field === undefined ? undefined : target[field];
    if (typeof value !== 'string' && typeof value !== 'number') return this.byRepresentation(represent(target));
    let entities = known.get(typename as string);
    if (!entities) known.set(typename as string, (entities = new Map<unknown, Entity>()));
    let entity = entities.get(value);
    if (!entity) entities.set(value, (entity = this.byRepresentation(represent(target)) as Entity));
    return entity;
  }

  private byRepresentation(text: string | null | undefined): Entity | null | undefined {
    if (text === undefined || text === null) return text;
    let entity = this.byText.get(text);
    if (!entity) {
      entity = { text, uses: [] };
      this.byText.set(text, entity);
      this.list.push(entity);
    }
    return entity;
  }
}

/** How many objects there were, and those of which nothing is asked as something is missing further down. */
export type Added = { readonly objects: number; readonly incomplete: readonly JsonObject[] | null };

/** Whether equal objects that the fetch is about may become one: no other fetch holds them. */
export const mayUnify = ({ held }: Pick<Execution, 'held'>, fetch: FetchStep): boolean => fetch.mayUnify && !held.has(fetch.place);

/**
 * Equal representations are sent once. Where all that is known of two objects of one place is the same, they become one
 * object (`unify`), so that what comes later is merged, walked and written once: whoever asks for the authors of reviews
 * gets most of them several times, with all that was selected of them. `slots` are then all that hold them: one that is
 * left out would keep an object that nobody asks about.
 */
export const addEntities = (execution: Pick<Execution, 'shared' | 'errors' | 'held' | 'walks'>, entities: Entities, fetch: FetchStep, representer: Representer, slots: readonly Slot[], unify: boolean): Added => {
  // What stands at several places became one, or stayed itself, where it was met first.
  const met = unify && execution.shared.size > 0 ? new Map<JsonObject, JsonObject>() : null;
  const byKey = entities.knownBy(representer);
  let again = 0;
  let incomplete: JsonObject[] | null = null;
  let hasDuplicates = false;
  execution.held.add(fetch.place);
  for (const slot of slots) {
    const known = met?.get(slot.object);
    if (known) {
      hang(slot, known);
      again++;
      continue;
    }
    const entity = entities.entityOf(representer, slot.object, byKey);
    if (!entity) {
      if (entity === null) (incomplete ??= []).push(slot.object);
      continue;
    }
    const other = unify ? equalIn(execution, entity, fetch, representer, slot) : undefined;
    met?.set(slot.object, other ?? slot.object);
    if (other) {
      hang(slot, other);
      execution.shared.add(other);
      hasDuplicates = true;
    } else {
      entity.uses.push({ fetch, target: slot.object });
    }
  }
  if (hasDuplicates || again > 0) forgetDuplicates(execution, fetch, slots);
  return { objects: slots.length - again, incomplete };
};

/** An object that the fetch asks about already and of which the same is known. */
const equalIn = ({ errors }: Pick<Execution, 'errors'>, { uses }: Entity, fetch: FetchStep, { isWhole }: Representer, { object }: Slot): JsonObject | undefined => {
  const last = uses[uses.length - 1];
  if (last?.fetch !== fetch) return undefined;
  // An error may explain a null in one of them alone.
  const isSame = isWhole(object) ? isWhole(last.target) : errors.length === 0 && isSameJson(object, last.target);
  return isSame ? last.target : undefined;
};

const hang = ({ holder, key }: Slot, object: JsonObject): void => {
  (holder as Record<string | number, unknown>)[key] = object;
};

/** The distinct entities that one request asks a subgraph for, and where in the answer each of them stands. */
import type { FetchStep } from '../plan/plan.ts';
import type { Execution, JsonObject } from './context.ts';
import { type Slot, forgetDuplicates } from './places.ts';
import type { Representer } from './representations.ts';

/** One distinct representation, as JSON, with every object that it stands for and the fetch that wants it there. */
export type Entity = { readonly text: string; readonly uses: { readonly fetch: FetchStep; readonly target: JsonObject }[] };

/** By what tells their representations apart, in the order in which they are sent. */
export class Entities {
  readonly list: Entity[] = [];
  private readonly byText = new Map<string, Entity>();
  /** For each type whose representations one field tells apart: by the value of that field. */
  private readonly byKey = new Map<string, Map<unknown, Entity>>();

  /** The entity that the object is a use of, new or known; undefined for an object that the fetch does not concern. */
  entityOf({ represent, keyField }: Representer, target: JsonObject): Entity | undefined {
    const typename = target['__typename'];
    const field = keyField(typename);
    const value = field === undefined ? undefined : target[field];
    if (typeof value !== 'string' && typeof value !== 'number') return this.byRepresentation(represent(target));
    let entities = this.byKey.get(typename as string);
    if (!entities) this.byKey.set(typename as string, (entities = new Map<unknown, Entity>()));
    let entity = entities.get(value);
    if (!entity) entities.set(value, (entity = this.add(represent(target) as string)));
    return entity;
  }

  private byRepresentation(text: string | undefined): Entity | undefined {
    if (text === undefined) return undefined;
    let entity = this.byText.get(text);
    if (!entity) this.byText.set(text, (entity = this.add(text)));
    return entity;
  }

  private add(text: string): Entity {
    const entity: Entity = { text, uses: [] };
    this.list.push(entity);
    return entity;
  }
}

/**
 * Equal representations are sent once. Where a representation is all that is known of an object, equal objects of one
 * place become one object, so that what comes later is merged, walked and written once.
 */
export const addEntities = (execution: Pick<Execution, 'shared' | 'held' | 'walks'>, entities: Entities, fetch: FetchStep, representer: Representer, slots: readonly Slot[]): void => {
  const unify = fetch.mayUnify && !execution.held.has(fetch.place);
  let hasDuplicates = false;
  execution.held.add(fetch.place);
  for (const slot of slots) {
    const entity = entities.entityOf(representer, slot.object);
    if (!entity) continue;
    if (unify && becomesOne(execution, entity, fetch, representer, slot)) hasDuplicates = true;
    else entity.uses.push({ fetch, target: slot.object });
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

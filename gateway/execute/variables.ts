/** The variables of a request for entities. */
import type { SubgraphVariables } from '../sources/data-source.ts';
import type { JsonObject } from './context.ts';
import type { Entity } from './entities.ts';

/** What one `_entities` is asked for: its response name, the variable of its representations, and these in the order sent. */
export type EntityList = { readonly alias: string; readonly name: string; readonly entities: readonly Pick<Entity, 'text'>[] };

/** Representations are JSON already; the rest is variables of the client. */
export class EntityVariables implements SubgraphVariables {
  readonly plain: JsonObject;
  readonly lists: EntityList[] = [];

  constructor(plain: JsonObject) {
    this.plain = { ...plain };
  }

  add(plain: JsonObject, list: EntityList): void {
    Object.assign(this.plain, plain);
    this.lists.push(list);
  }

  /** How many entities are asked for. */
  get count(): number {
    let count = 0;
    for (const { entities } of this.lists) count += entities.length;
    return count;
  }

  get json(): string {
    let json = JSON.stringify(this.plain).slice(0, -1);
    for (const { name, entities } of this.lists) {
      json += `${json === '{' ? '' : ','}"${name}":[`;
      entities.forEach(({ text }, index) => (json += index === 0 ? text : `,${text}`));
      json += ']';
    }
    return `${json}}`;
  }

  toJSON(): JsonObject {
    return this.values;
  }

  get values(): JsonObject {
    return JSON.parse(this.json) as JsonObject;
  }
}

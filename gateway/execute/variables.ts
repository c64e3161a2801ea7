/** The variables of a request for entities. */
import type { SubgraphVariables } from '../sources/data-source.ts';
import type { JsonObject } from './context.ts';
import type { Entity } from './entities.ts';

/** Representations are JSON already; the rest is variables of the client. */
export class EntityVariables implements SubgraphVariables {
  private readonly plain: JsonObject;
  private readonly entities = new Map<string, readonly Entity[]>();

  constructor(plain: JsonObject) {
    this.plain = { ...plain };
  }

  add(plain: JsonObject, name: string, entities: readonly Entity[]): void {
    Object.assign(this.plain, plain);
    this.entities.set(name, entities);
  }

  /** How many entities are asked for. */
  get count(): number {
    let count = 0;
    for (const entities of this.entities.values()) count += entities.length;
    return count;
  }

  get json(): string {
    let json = JSON.stringify(this.plain).slice(0, -1);
    for (const [name, entities] of this.entities) {
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

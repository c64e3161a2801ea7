/** Variables of a request to a subgraph: as JSON for the wire, as objects for the same process. */
import type { SubgraphVariables } from './data-source.ts';

export class PlainVariables implements SubgraphVariables {
  readonly values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  toJSON(): Readonly<Record<string, unknown>> {
    return this.values;
  }

  get json(): string {
    return JSON.stringify(this.values);
  }
}

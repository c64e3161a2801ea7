/**
 * What a change in the hub changes in the answers of subgraphs: the tags that cached answers have and that changes name.
 *
 * Glossary
 * - `S/T:{"id":"1"}`: what the subgraph S says of this entity of type T, asked for by its key.
 * - `S/T?`: what S says of entities of type T that were reached otherwise, by a list or another object: which ones is not known.
 * - `S/T!`: what S says of any entity of type T.
 * - `S/Query.f`: what S answers to this root field.
 * - `S/`: anything that S says.
 */
import type { DomainEvent, DomainEventType } from './domain-events.ts';
import type { Fact } from './facts.ts';

export type EntityKey = Readonly<Record<string, unknown>>;

/** One entity by its key, all entities of a type, or a root field. Types and fields are those of the subgraph's own schema. */
export type Changed = { readonly type: string; readonly key: EntityKey } | { readonly everyOf: string } | { readonly query: string };

/** What of a subgraph changes with what happens. An entity with several keys is named by each that others refer to it by. */
export type Invalidates = {
  readonly events?: { readonly [T in DomainEventType]?: (event: DomainEvent<T>) => readonly Changed[] };
  /** For what facts change without a domain event that tells of it. */
  readonly facts?: (facts: readonly Fact[]) => readonly Changed[];
};

export const tags = {
  entity: (subgraph: string, type: string, key: unknown): string => `${subgraph}/${type}:${canonical(key)}`,
  someOf: (subgraph: string, type: string): string => `${subgraph}/${type}?`,
  anyOf: (subgraph: string, type: string): string => `${subgraph}/${type}!`,
  query: (subgraph: string, field: string): string => `${subgraph}/Query.${field}`,
  subgraph: (subgraph: string): string => `${subgraph}/`,
};

/** JSON with sorted names and without type names: equal keys are equal texts. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const names = Object.keys(value).filter((name) => name !== '__typename').sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical((value as EntityKey)[name])}`).join(',')}}`;
};

type Declaring = { readonly name: string; readonly invalidates?: Invalidates };

/** The tags of everything that these domain events and facts change. */
export const invalidatedBy = (subgraphs: readonly Declaring[], events: readonly DomainEvent[], facts: readonly Fact[] = []): readonly string[] => {
  const found = new Set<string>();
  for (const { name, invalidates } of subgraphs) {
    if (!invalidates) continue;
    for (const event of events) {
      const changedBy = invalidates.events?.[event.type] as ((event: DomainEvent) => readonly Changed[]) | undefined;
      for (const changed of changedBy?.(event) ?? []) addTags(name, changed, found);
    }
    if (facts.length > 0) for (const changed of invalidates.facts?.(facts) ?? []) addTags(name, changed, found);
  }
  return [...found];
};

/** The types of domain events that change some answer. */
export const invalidatingTypes = (subgraphs: readonly Declaring[]): readonly DomainEventType[] => [...new Set(subgraphs.flatMap(({ invalidates }) => Object.keys(invalidates?.events ?? {}) as DomainEventType[]))];

const addTags = (subgraph: string, changed: Changed, into: Set<string>): void => {
  if ('query' in changed) into.add(tags.query(subgraph, changed.query));
  else if ('everyOf' in changed) into.add(tags.anyOf(subgraph, changed.everyOf));
  else into.add(tags.entity(subgraph, changed.type, changed.key)).add(tags.someOf(subgraph, changed.type));
};

/** The entities of a type that are named by hub-wide event ids, once each. */
export const entitiesOf = (type: string, eventIds: Iterable<string | null>): readonly Changed[] => [...new Set(eventIds)].flatMap((id) => (id === null ? [] : [{ type, key: { id } }]));

/**
 * Glossary
 * - service: any HTTP service that was registered with a declared mapping; it has resources.
 * - resource: a list of the service, read by its own path; of each event where the path names one.
 * - record: one entry of a resource. A mapping turns it into facts.
 * - attributes: what only this service knows of its event, in its own words; each resource tells a part of them.
 */
export type Attributes = Readonly<Record<string, unknown>>;
export type AttributesPart = { readonly resource: string; readonly data: Attributes };

/** All parts as one; of a name in several the one of the last resource by name stays. Null where nothing was told. */
export const joinAttributes = (parts: readonly AttributesPart[]): Attributes | null => {
  if (parts.length === 0) return null;
  const ordered = parts.toSorted((a, b) => (a.resource < b.resource ? -1 : 1));
  // Not by assignment: a name like `__proto__` is a name like any other.
  return Object.fromEntries(ordered.flatMap(({ data }) => Object.entries(data)));
};

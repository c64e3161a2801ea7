/** Reads one list, page by page, and tells where it goes on after each. */
import type { Batch } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { factsOf } from '#core/facts.ts';
import { type Cursor, type Mark, type Position, later, listKey, listRead, sinceOf, withEvents } from './connector-cursor.ts';
import { mapRecords, readAnswer, recordsIn, textOf } from './connector-mapping.ts';
import type { CustomContext, Resource } from './connector-settings.ts';
import { type List, fetchPage, linkedPage } from './upstream.ts';

/** Far beyond any real list; one that always says there is more ends here. */
const mostPages = 100_000;
/** Facts in one batch. */
const batchSize = 1_000;

export type ListBatch = Batch & { readonly cursor: Cursor };

type Page = { readonly records: readonly unknown[]; readonly next: Position; readonly mark: Mark | null };

/** Batches of a list from where the cursor stands in it, else from its beginning. */
export async function* readList(context: CustomContext, list: List, from: Cursor, { firstPageOnly = false } = {}): AsyncGenerator<ListBatch> {
  const { resource, event } = list;
  const key = listKey(resource.name, event);
  const standing = from.at?.resource === resource.name && from.at.event === (event?.eventId ?? null) ? from.at : null;
  let cursor = from;
  let position: Position = standing?.position ?? null;
  let mark: Mark | null = standing?.since ?? null;
  let before = '';
  for (let pages = 0; pages < mostPages; pages++) {
    const readAt = context.now();
    const page = await readPage(context, list, position, sinceOf(from, key));
    const seen = isCounted(resource) && page.records.length > 0 ? JSON.stringify(page.records) : '';
    if (seen !== '' && seen === before) throw new UpstreamError('shape', `Two pages of ${resource.name} that follow each other are the same: see that \`paging.parameter\` is the one of the service, or let \`paging.more\` say where the list ends.`, { resource: resource.name });
    before = seen;
    mark = later(mark, page.mark);
    const origin = { name: resource.name, event, schema: resource.schema ?? context.service.dataSchema ?? null, mapping: resource.mapping, readAt };
    const { facts, rejected } = await mapRecords(context, origin, page.records);
    const found = withEvents(cursor, factsOf(facts, 'event'));
    const isLast = page.next === null || firstPageOnly;
    const after = isLast ? listRead(found, key, mark) : { ...found, at: { resource: resource.name, event: event?.eventId ?? null, position: page.next, since: mark } };
    for (let start = 0; start + batchSize < facts.length; start += batchSize) yield { facts: facts.slice(start, start + batchSize), rejected: [], cursor };
    yield { facts: facts.slice(Math.max(0, Math.ceil(facts.length / batchSize) - 1) * batchSize), rejected, cursor: after };
    cursor = after;
    position = page.next;
    if (isLast) return;
  }
  throw new UpstreamError('shape', `${resource.name} has more than ${mostPages} pages.`, { resource: resource.name });
}

/** Its pages are counted by the hub, so a service that takes no notice of the count answers the same again and again. */
const isCounted = ({ paging }: Resource): boolean => paging.style === 'page' || paging.style === 'offset';

const readPage = async (context: CustomContext, list: List, position: Position, since: Mark | null): Promise<Page> => {
  const { resource, event } = list;
  const answer = await fetchPage(context, list, position, since).catch((error: unknown) => {
    // Some answer so behind the last page.
    if (resource.paging.style === 'page' && position !== null && error instanceof UpstreamError && error.facts.status === 404) return null;
    throw error;
  });
  if (!answer) return { records: [], next: null, mark: null };
  const { paging } = resource;
  const read = await readAnswer(context, textOf(answer.json), { items: resource.items, since: resource.since?.from, more: 'more' in paging ? paging.more : undefined, next: 'next' in paging ? paging.next : undefined }, { event });
  const records = recordsIn(read.items);
  return { records, mark: markOf(read.since), next: nextPosition(context, resource, { answer, position, count: records.length, more: read.more, next: read.next }) };
};

/** The first records of the first list that can be read by itself, for a look at what there is. */
export const readSample = async (context: CustomContext, resource: Resource): Promise<readonly unknown[]> => (await readPage(context, { resource, event: null }, null, null)).records;

const markOf = (value: unknown): Mark | null => (typeof value === 'string' && value.length <= 1_000 && value !== '' ? value : typeof value === 'number' ? value : null);

type Read = { readonly answer: Awaited<ReturnType<typeof fetchPage>>; readonly position: Position; readonly count: number; readonly more: unknown; readonly next: unknown };

const nextPosition = (context: CustomContext, { paging, name }: Resource, { answer, position, count, more, next }: Read): Position => {
  // Where the service does not say it, only an empty page is surely the last: one that is short may be the service's own limit.
  const ends = count === 0 || ('more' in paging && paging.more !== undefined && !more);
  switch (paging.style) {
    case 'none':
      return null;
    case 'page':
      return ends ? null : Number(position ?? paging.first) + 1;
    case 'offset':
      return ends ? null : Number(position ?? 0) + count;
    case 'cursor':
      return moved(name, position, positionOf(next));
    case 'link':
      return moved(name, position, linkedPage(context, answer, positionOf(next)));
  }
};

const positionOf = (value: unknown): string | null => ((typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : null);

const moved = (name: string, before: Position, next: string | null): Position => {
  if (next !== null && (next === before || next.length > 4_000)) throw new UpstreamError('shape', `${name} says that its next page is the one that was just read.`, { resource: name });
  return next;
};

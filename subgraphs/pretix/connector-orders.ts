/** The streams of orders: which there are, and how one is read to its end. */
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import { type Calendar, calendarFacts, currentCalendar, knows } from './connector-calendar.ts';
import { type Cursor, afterPage, beginPass, streamOf, wholeOrganizer, withStream, withTouched } from './connector-cursor.ts';
import { type Naming, orderFacts } from './connector-facts.ts';
import { type PretixContext, clientOf } from './connector-settings.ts';
import { type Page, type PretixClient, pageSize } from './upstream.ts';
import type { OrderPayload } from './upstream-payloads.ts';

/** One pull, and what it has learned so far. */
export type Pulling = {
  readonly context: PretixContext;
  readonly naming: Naming;
  calendar: Calendar;
  /** The calendar was read anew within this pull. */
  readAgain: boolean;
};

export type Read = { readonly facts: readonly Fact[]; readonly rejected: readonly Rejected[]; readonly cursor: Cursor };

/** Far beyond any real pass; a stream that never ends does end here. */
const maxPages = 20_000;

/**
 * One stream for each wanted event, or one for all of them; then also one, once, for each event that the token has come
 * to see since: its older orders are long behind the cursor.
 */
export const streamsToRead = (cursor: Cursor, calendar: Calendar, wanted: readonly string[] | null): string[] => {
  const slugs = [...calendar.events.keys()];
  if (wanted !== null) return slugs;
  const began = streamOf(cursor, wholeOrganizer).since !== null;
  return [wholeOrganizer, ...slugs.filter((slug) => cursor.streams[slug] || (began && !cursor.events[slug]))];
};

/** A stream from where it stands to its end, page by page. */
export const readStream = async function* (pulling: Pulling, name: string, from: Cursor): AsyncGenerator<Read> {
  const { context } = pulling;
  const client = clientOf(context);
  let cursor = from;
  for (let pages = 1; pages <= maxPages; pages++) {
    const begun = beginPass(streamOf(cursor, name), context.now().getTime());
    const page = await readPage(client, name, begun.pass);
    const facts = await meetStrangers(pulling, name, page.rows);
    // Who tells the orders of one event alone does not say which.
    const rejected: Rejected[] = page.rejected.map((each) => ({ ...each, raw: each.raw === null ? null : { event: name, ...(each.raw as object) } }));
    for (const order of page.rows) {
      const slug = order.event ?? name;
      if (!pulling.calendar.events.has(slug)) continue;
      facts.push(...orderFacts(order, slug, pulling.naming, context.hashParticipant, context.now()));
      rejected.push(...uncountable(order));
      cursor = withTouched(cursor, slug, datesOf(order));
    }
    const after = afterPage(begun, { generated: page.generated, last: page.rows.at(-1)?.last_modified ?? null, pages: Math.ceil(page.count / pageSize) }, context.now().getTime());
    cursor = withStream(cursor, name, after);
    yield { facts, rejected, cursor };
    if (after.pass === null && after.since !== null) return;
    // Nothing known of pretix's clock and nothing read: an empty organizer.
    if (after.pass === null && page.rows.length === 0 && begun.since === null) return;
  }
  throw new UpstreamError('shape', `pretix's list of orders does not end after ${maxPages} pages.`);
};

/** A page that is not there any more, since trial orders were deleted, is an empty one. */
const readPage = async (client: PretixClient, name: string, { since, page }: { readonly since: string | null; readonly page: number }): Promise<Page<OrderPayload>> => {
  try {
    return await client.orders({ event: name === wholeOrganizer ? null : name, since, page });
  } catch (error) {
    if (page === 1 || !(error instanceof UpstreamError) || error.facts.status !== 404) throw error;
    return { rows: [], rejected: [], more: false, count: 0, generated: null };
  }
};

/** Orders of events or dates that were added since the calendar was read: they are told before their orders. */
const meetStrangers = async (pulling: Pulling, name: string, orders: readonly OrderPayload[]): Promise<Fact[]> => {
  const { context, naming } = pulling;
  if (pulling.readAgain || orders.every((order) => knows(pulling.calendar, order.event ?? name, order))) return [];
  pulling.readAgain = true;
  pulling.calendar = await currentCalendar(context);
  return calendarFacts(pulling.calendar, naming, context.now());
};

const datesOf = (order: OrderPayload): string[] => order.positions.map(({ subevent }) => (subevent === null ? '' : String(subevent)));

/** Check-ins without an id could not be counted once. */
const uncountable = (order: OrderPayload): Rejected[] =>
  order.positions.flatMap(({ id, checkins }) => checkins.filter((each) => each.id === undefined).map(() => ({ upstreamId: `position:${id}`, reason: 'A check-in without an id: this pretix is older than 2024.', raw: null })));

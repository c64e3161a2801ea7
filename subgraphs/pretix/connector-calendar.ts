/** The events and series dates that a pull is about. */
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import type { PretixClient } from './upstream.ts';
import type { PretixEventPayload, SubeventPayload } from './upstream-payloads.ts';

export type CalendarEvent = { readonly payload: PretixEventPayload; readonly dates: readonly SubeventPayload[] };
export type Calendar = { readonly organizerName: string; readonly events: ReadonlyMap<string, CalendarEvent>; readonly rejected: readonly Rejected[] };

/** All events that the token sees, or the wanted ones; of these, one that is gone is told and holds up no other. */
export const readCalendar = async (client: PretixClient, wanted: readonly string[] | null): Promise<Calendar> => {
  const { name } = await client.organizer();
  const listed = await client.events();
  const found = listed.rows.filter(({ slug }) => wanted === null || wanted.includes(slug));
  const missing = (wanted ?? []).filter((slug) => !listed.rows.some((row) => row.slug === slug));
  const dates = found.some((event) => event.has_subevents) ? await readDates(client) : { rows: [], rejected: [] };
  const byEvent = Map.groupBy(dates.rows, ({ event }) => event);
  return {
    organizerName: name,
    events: new Map(found.map((payload) => [payload.slug, { payload, dates: byEvent.get(payload.slug) ?? [] }])),
    rejected: [...listed.rejected, ...dates.rejected, ...missing.map((slug) => ({ upstreamId: slug, reason: 'The token sees no event of this name.', raw: null }))],
  };
};

/** Series that cannot be read leave the other events to be. */
const readDates = async (client: PretixClient): ReturnType<PretixClient['subevents']> => {
  try {
    return await client.subevents();
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.reason !== 'shape') throw error;
    return { rows: [], rejected: [{ upstreamId: 'subevents', reason: error.message, raw: null }] };
  }
};

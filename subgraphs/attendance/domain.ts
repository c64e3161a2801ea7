/**
 * Glossary
 * - registered: has a registration (a ticket, a badge) that is not cancelled.
 * - present, inside: entered at least one area of the event and did not leave it since. A cancelled registration is
 *   not inside, whatever its check-ins.
 * - live value: what is served as an event's attendance now; fresh for 300 s after the service confirmed it.
 */

/** Percent with one decimal. 234 of 500 is 46.8; nobody registered is 0. */
export const attendanceRate = (value: { readonly totalRegistered: number; readonly currentAttendees: number }): number =>
  value.totalRegistered === 0 ? 0 : Math.round((value.currentAttendees / value.totalRegistered) * 1000) / 10;

const freshForMs = 300_000;

export const isStale = (updatedAt: Date, now: Date): boolean => now.getTime() - updatedAt.getTime() > freshForMs;

/** Before the first event that a hub could know of; PostgreSQL knows no year 0, which callers may well write. */
const earliest = Date.UTC(1970, 0, 1);

/** Bounds of a history: the newest 1000 steps up to `to`. Steps are counted from 1970, so the first begins at one. */
export const historyWindow = (args: { readonly from?: Date | null; readonly to?: Date | null; readonly every: number }, now: Date): { from: Date; to: Date; every: number } => {
  const step = args.every * 1000;
  const to = Math.max((args.to ?? now).getTime(), earliest);
  const asked = args.from?.getTime() ?? to - 86_400_000;
  const first = (Math.floor(to / step) - 999) * step;
  return { from: new Date(Math.max(asked, first, earliest)), to: new Date(to), every: args.every };
};

/** Of several changes of one event, only the newest, in the order of the newest. */
export const newestPerEvent = <Change extends { readonly eventId: string | null }>(changes: readonly Change[]): Change[] => {
  const newest = new Map<string | null, Change>();
  for (const change of changes) {
    newest.delete(change.eventId);
    newest.set(change.eventId, change);
  }
  return [...newest.values()];
};

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

/** Bounds of a history: the newest 1000 steps that end at `to`. */
export const historyWindow = (args: { readonly from?: Date | null; readonly to?: Date | null; readonly every: number }, now: Date): { from: Date; to: Date; every: number } => {
  const to = args.to ?? now;
  const asked = args.from ?? new Date(to.getTime() - 86_400_000);
  const longest = args.every * 1000 * 1000;
  return { from: new Date(Math.max(asked.getTime(), to.getTime() - longest)), to, every: args.every };
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

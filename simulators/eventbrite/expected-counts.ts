/** Eventbrite's rule for an event's numbers, computed from its attendees as they are: the hub counts like this. */
import type { Attendee } from './world.ts';

export type Counts = { readonly registered: number; readonly current: number; readonly checkIns: number };

export const expectedCounts = (attendees: readonly Attendee[], eventId: string): Counts => {
  const own = attendees.filter((each) => each.eventId === eventId);
  const registered = own.filter(({ status, cancelled, refunded }) => !cancelled && !refunded && ['Attending', 'Checked In', 'Unpaid'].includes(status));
  const isIn = ({ barcodes }: Attendee): boolean => barcodes.some(({ status }) => status === 'used');
  return { registered: registered.length, current: registered.filter(isIn).length, checkIns: own.filter(isIn).length };
};

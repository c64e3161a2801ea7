import { createPlatform } from '#simulators/ticketing/platform.ts';
import type { Booking } from '#simulators/ticketing/platform-world.ts';
import { demoPlan } from '#simulators/ticketing/plans.ts';
import { type Counted, type Neighbour, pickOf } from './neighbour.ts';

const faults = ['status-500', 'too-many', 'html', 'half-json', 'wrong-shape', 'hang', 'lost-answer'] as const;
const between = 20;

/** Seats are booked, paid for and given back; who has a ticket comes and goes. */
export const startPlatform = async (name: string): Promise<Neighbour> => {
  const platform = await createPlatform({ plan: demoPlan(new Date()), webhookRetryMs: [100, 500] });
  const { world, bookings } = platform;
  const events = [...world.of('events').keys()];
  const doors = new Map<string, { readonly inside: boolean; readonly at: number }>();
  const admitted = ({ id }: Booking, ticketId: string) => `${id}/${ticketId}`;
  const live = () => [...world.of('bookings').values()].filter(({ status }) => status === 'reserved' || status === 'confirmed');
  return {
    registration: { product: 'ticketing', endpoints: { api: platform.url }, authentication: { type: 'API_KEY', credentials: { apiKey: platform.token } }, settings: { prefix: name } },
    happen(random) {
      const [free, booked] = [[...world.of('tickets').values()].filter(({ status }) => status === 'available'), live()];
      if (free.length > 0 && (booked.length === 0 || random.next() < 0.35)) {
        const { id, eventId } = pickOf(random, free);
        return void bookings.reserve({ eventId, ticketIds: [id] });
      }
      const booking = pickOf(random, booked);
      if (booking.status === 'reserved') return void bookings.confirm(booking.id);
      if (random.next() < 0.1) return void bookings.cancel(booking.id);
      const ticketId = pickOf(random, booking.ticketIds);
      const { inside, at } = doors.get(admitted(booking, ticketId)) ?? { inside: false, at: 0 };
      if (Date.now() - at < between) return;
      bookings.checkIn(booking.id, ticketId, inside ? 'exit' : 'entry', null, new Date().toISOString());
      doors.set(admitted(booking, ticketId), { inside: !inside, at: Date.now() });
    },
    fail: (random) => platform.misbehave(pickOf(random, faults)),
    mend: () => platform.misbehave('none'),
    truth() {
      const tickets = live().flatMap((booking) => booking.ticketIds.map((id) => ({ eventId: booking.eventId, isInside: doors.get(admitted(booking, id))?.inside === true })));
      const checkIns = [...world.of('check-ins').values()];
      return Object.fromEntries(events.map((id): [string, Counted] => {
        const here = tickets.filter(({ eventId }) => eventId === id);
        return [`${name}-${id}`, { registered: here.length, present: here.filter(({ isInside }) => isInside).length, checkIns: checkIns.filter(({ eventId }) => eventId === id).length }];
      }));
    },
    [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  };
};

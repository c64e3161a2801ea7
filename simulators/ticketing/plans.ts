/** What a simulated platform has before anybody does anything. */
import type { World } from './platform-world.ts';

export type Plan = {
  readonly artists: readonly { readonly id: string; readonly name: string; readonly yandexMusicId?: string }[];
  readonly venues: readonly { readonly id: string; readonly name: string; readonly address: string; readonly capacity?: number }[];
  readonly events: readonly { readonly id: string; readonly name: string; readonly start: Date; readonly hours: number; readonly timezone: string; readonly venueId: string; readonly artistIds: readonly string[]; readonly public: boolean; readonly seats: number; readonly places: number; readonly price: string; readonly currency: string }[];
};

const hour = 3_600_000;

/** Two concerts and a reading, in numbered seats and in places of a category. */
export const demoPlan = (now: Date): Plan => ({
  artists: [
    { id: 'quartet', name: 'Quartet of the North', yandexMusicId: '1001' },
    { id: 'trio', name: 'Trio Amber', yandexMusicId: '1002' },
    { id: 'reader', name: 'A. Reader' },
  ],
  venues: [
    { id: 'hall', name: 'Small Hall', address: 'Moscow, Bolshaya Nikitskaya 13', capacity: 400 },
    { id: 'club', name: 'Amber Club', address: 'Saint Petersburg, Nevsky 35', capacity: 150 },
  ],
  events: [
    { id: 'autumn-quartet', name: 'Autumn Quartet', start: new Date(now.getTime() + hour), hours: 3, timezone: 'Europe/Moscow', venueId: 'hall', artistIds: ['quartet'], public: true, seats: 40, places: 10, price: '1990.50', currency: 'RUB' },
    { id: 'amber-night', name: 'Amber Night', start: new Date(now.getTime() + 26 * hour), hours: 4, timezone: 'Europe/Moscow', venueId: 'club', artistIds: ['trio', 'quartet'], public: true, seats: 0, places: 30, price: '900.00', currency: 'RUB' },
    { id: 'closed-reading', name: 'Closed Reading', start: new Date(now.getTime() + 50 * hour), hours: 2, timezone: 'Europe/Moscow', venueId: 'hall', artistIds: ['reader'], public: false, seats: 5, places: 0, price: '0.00', currency: 'RUB' },
  ],
});

export const sow = (world: World, plan: Plan): void => {
  for (const { id, name, yandexMusicId } of plan.artists) world.put('artists', { id, name, genre: null, yandexMusicId: yandexMusicId ?? null });
  for (const { id, name, address, capacity } of plan.venues) world.put('venues', { id, name, address, capacity: capacity ?? null });
  for (const event of plan.events) {
    world.put('events', { id: event.id, name: event.name, type: 'concert', startsAt: event.start.toISOString(), endsAt: new Date(event.start.getTime() + event.hours * hour).toISOString(), timezone: event.timezone, region: null, organizer: 'Northern Concerts', public: event.public, venueId: event.venueId, artistIds: event.artistIds });
    const price = { amount: event.price, currency: event.currency };
    for (let seat = 1; seat <= event.seats; seat += 1) world.put('tickets', { id: `${event.id}-s${seat}`, eventId: event.id, category: 'Stalls', seat: `${Math.ceil(seat / 10)}-${((seat - 1) % 10) + 1}`, price, status: 'available' });
    for (let place = 1; place <= event.places; place += 1) world.put('tickets', { id: `${event.id}-p${place}`, eventId: event.id, category: 'Standing', seat: null, price, status: 'available' });
  }
};

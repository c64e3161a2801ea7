/**
 * A scripted evening at the platform: the box office has sold most of the tickets before it begins, people come as people
 * come (the arrival curve fitted on real check-ins) and leave. What is left is for who books through the hub. The same
 * day and speed give the same evening.
 */
import { drawArrival } from '#simulators/gatekeeper/arrivals.ts';
import type { ScenarioClock } from '#simulators/gatekeeper/clock.ts';
import { createRandom } from '#simulators/gatekeeper/random.ts';
import { type Step, type Story, playStory } from '#simulators/gatekeeper/story.ts';
import { type Plan, sow } from './plans.ts';
import type { Ticket, World } from './platform-world.ts';

export type EveningOptions = {
  /** Minutes of the story in a minute of the wall. */
  readonly speed: number;
  /** When it began, in milliseconds since 1970; now, unless an earlier run is continued. */
  readonly startedAt?: number;
  /** Which evening it is, from 1: each has events of its own. */
  readonly day?: number;
};

const minute = 60_000;
/** Shares of tickets: which the box office sells, whose holder comes. */
const sold = 0.75;
const coming = 0.85;

const venues: Plan['venues'] = [
  { id: 'hall', name: 'Small Hall', address: 'Moscow, Bolshaya Nikitskaya 13', capacity: 400 },
  { id: 'club', name: 'Amber Club', address: 'Saint Petersburg, Nevsky 35', capacity: 150 },
];
const artists: Plan['artists'] = [
  { id: 'quartet', name: 'Quartet of the North', yandexMusicId: '1001' },
  { id: 'trio', name: 'Trio Amber', yandexMusicId: '1002' },
];
const concert = { timezone: 'Europe/Moscow', public: true, currency: 'RUB' };
/** `starts`: minutes from the beginning of the story. */
const programme = [
  { id: 'autumn-quartet', name: 'Autumn Quartet', starts: 15, hours: 3, venueId: 'hall', artistIds: ['quartet'], seats: 120, places: 40, price: '1990.50', ...concert },
  { id: 'amber-night', name: 'Amber Night', starts: 100, hours: 4, venueId: 'club', artistIds: ['trio', 'quartet'], seats: 0, places: 120, price: '900.00', ...concert },
];

export const playEvening = (world: World, clock: ScenarioClock, day: number): Story =>
  playStory(clock, () => {
    const hours = (clock.stamp(clock.begin + 60 * minute) - clock.stamp(clock.begin)) / (60 * minute);
    const tonight = programme.map((each) => ({ ...each, id: day === 1 ? each.id : `${each.id}-${day}`, begins: clock.begin + each.starts * minute }));
    sow(world, { artists, venues, events: tonight.map((each) => ({ ...each, start: new Date(clock.stamp(each.begins)), hours: each.hours * hours })) });
    return tonight.flatMap(({ id, begins }) => {
      const random = createRandom(`evening/${id}`);
      const tickets = [...world.of('tickets').values()].filter(({ eventId }) => eventId === id);
      return tickets.map((ticket) => [ticket, random.next() < sold, random.next() < coming, begins + drawArrival(random) * minute, (60 + 90 * random.next()) * minute] as const)
        .flatMap(([ticket, isSold, comes, entered, stay]) => (isSold ? visit(world, clock, ticket, comes ? [[entered, 'entry'], [entered + stay, 'exit']] : []) : []));
    });
  });

/** Sells it at the box office; answers what its holder does. */
const visit = (world: World, clock: ScenarioClock, ticket: Ticket, scans: readonly (readonly [number, 'entry' | 'exit'])[]): Step[] => {
  const { id, eventId, price } = ticket;
  const bookingId = `box-${id}`;
  const now = new Date(clock.told()).toISOString();
  world.put('tickets', { ...ticket, status: 'sold' });
  world.put('bookings', { id: bookingId, eventId, ticketIds: [id], reference: null, status: 'confirmed', total: price, expiresAt: now, createdAt: now });
  return scans.map(([at, direction]) => ({ at, play: () => void world.put('check-ins', { id: `${bookingId}-${direction}`, eventId, ticketId: id, bookingId, direction, gate: null, at: new Date(clock.told()).toISOString() }) }));
};

/** What a simulated organization has before anybody does anything: events and ticket classes. */

export type TicketClassPlan = { readonly name: string; /** Minor units; null: free. */ readonly cost: number | null; readonly total: number; readonly hidden?: boolean };

export type EventPlan = {
  readonly id: string;
  readonly name: string;
  readonly start: Date;
  readonly end: Date;
  readonly timezone: string;
  readonly currency: string;
  readonly format: string;
  readonly category: string;
  /** Null: online. */
  readonly venue: { readonly name: string; readonly address: string; readonly latitude: string; readonly longitude: string } | null;
  readonly listed: boolean;
  readonly ticketClasses: readonly TicketClassPlan[];
  /** Tickets that the scripted day sells before it begins. */
  readonly soldBefore?: number;
};

export type OrganizationPlan = { readonly id: string; readonly name: string; readonly userId: string; readonly token: string; readonly events: readonly EventPlan[] };

const hour = 3_600_000;
const hall = { name: 'Harbour Hall', address: "333 O'Farrell St, San Francisco, CA 94102", latitude: '37.7576792', longitude: '-122.5078119' };
const plan = (id: string, name: string, now: Date, begins: number, lasts: number, more: Partial<EventPlan> = {}): EventPlan => ({
  id, name, start: new Date(now.getTime() + begins * hour), end: new Date(now.getTime() + (begins + lasts) * hour), timezone: 'America/Los_Angeles', currency: 'USD', format: 'Conference', category: 'Science & Technology', venue: hall, listed: true,
  ticketClasses: [{ name: 'General Admission', cost: 4_900, total: 500 }, { name: 'Student', cost: null, total: 100 }], ...more,
});

/** One event that is on, one to come and online, one that is over: what the contract and the tests work with. */
export const contractPlan = (now: Date): OrganizationPlan => ({
  id: '62541733000', name: 'Acme Events', userId: '308733706151', token: 'SIMULATEDTOKENOFACME',
  events: [
    plan('625417330071', 'Tech Conference', now, -1, 8),
    plan('625417330072', 'Summer Webinar', now, 48, 2, { venue: null, format: 'Seminar or Talk', category: 'Business & Professional', currency: 'EUR', timezone: 'Europe/Berlin', ticketClasses: [{ name: 'Seat', cost: 1_050, total: 40 }] }),
    plan('625417330073', 'Spring Meetup', now, -24 * 90, 3, { listed: false, format: 'Meeting or Networking Event' }),
  ],
});

/** Enough for all whom the scripted day sells to. */
const demoClasses = [{ name: 'General Admission', cost: 4_900, total: 500 }, { name: 'Student', cost: null, total: 250 }];

/** A day of the demo: two events, people arriving. Every day is another organization, as Eventbrite never gives a number twice. */
export const demoPlan = (now: Date, day = 1): OrganizationPlan => ({
  ...contractPlan(now),
  id: String(62541733000 + day - 1),
  events: [plan(`71${String(day).padStart(6, '0')}0001`, 'Founders Breakfast', now, 0.25, 3, { soldBefore: 120, ticketClasses: demoClasses }), plan(`71${String(day).padStart(6, '0')}0002`, 'Product Night', now, 0.5, 6, { soldBefore: 300, ticketClasses: demoClasses })],
});

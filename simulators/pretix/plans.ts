/** What a simulated organizer has before anybody does anything: events, products, lists. */

export type ItemPlan = { readonly name: Readonly<Record<string, string>>; readonly price: string; readonly admission: boolean };

export type ListPlan = {
  readonly name: string;
  /** English names of the products that it takes; all unless told. */
  readonly items?: readonly string[];
  /** Which of the event's dates it is for, from 0; all unless told. */
  readonly date?: number;
  readonly includePending?: boolean;
  readonly allowMultipleEntries?: boolean;
  readonly allowEntryAfterExit?: boolean;
};

export type PeriodPlan = { readonly start: Date; readonly end: Date };

export type EventPlan = PeriodPlan & {
  readonly slug: string;
  readonly name: Readonly<Record<string, string>>;
  readonly timezone: string;
  readonly location: Readonly<Record<string, string>> | null;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly type?: string;
  readonly items: readonly ItemPlan[];
  readonly lists: readonly ListPlan[];
  readonly quota: number;
  /** Makes it a series. */
  readonly dates?: readonly (PeriodPlan & { readonly name: Readonly<Record<string, string>> })[];
  /** Orders that autoplay sells before it begins. */
  readonly soldBefore?: number;
};

export type OrganizerPlan = { readonly slug: string; readonly name: string; readonly token: string; readonly events: readonly EventPlan[] };

const hour = 3_600_000;
const after = (from: Date, hours: number): Date => new Date(from.getTime() + hours * hour);
const period = (from: Date, hours: number, lasts: number): PeriodPlan => ({ start: after(from, hours), end: after(from, hours + lasts) });

/** The same organizer that `scripts/pretix/seed.py` makes in a real pretix: the contract is written for it. */
export const contractPlan = (now: Date): OrganizerPlan => ({
  slug: 'acme',
  name: 'Acme Events',
  token: 'simulated-token-of-acme-events',
  events: [
    {
      slug: 'conf', name: { en: 'Tech Conference', de: 'Technikkonferenz' }, timezone: 'Asia/Seoul', location: { en: 'Hall 1\n1 Main Street' }, ...period(now, 24, 8), quota: 100_000,
      items: [
        { name: { en: 'Regular', de: 'Normal' }, price: '49.00', admission: true },
        { name: { en: 'Student' }, price: '25.00', admission: true },
        { name: { en: 'Shirt' }, price: '15.00', admission: false },
      ],
      lists: [{ name: 'Main' }, { name: 'Students', items: ['Student'], allowMultipleEntries: true }, { name: 'Unpaid too', includePending: true }],
    },
    {
      slug: 'concert', name: { de: 'Sommerkonzert', en: 'Summer Concert' }, timezone: 'Europe/Berlin', location: { en: 'Hall 1\n1 Main Street' }, ...period(now, 24, 8), quota: 100_000,
      items: [
        { name: { en: 'Standing' }, price: '30.00', admission: true },
        { name: { en: 'Seated' }, price: '60.00', admission: true },
      ],
      lists: [{ name: 'Doors' }, { name: 'One way', allowEntryAfterExit: false }],
    },
    {
      slug: 'workshops', name: { en: 'Workshops', fr: 'Ateliers' }, timezone: 'America/New_York', location: { en: 'Hall 1\n1 Main Street' }, ...period(now, 24, 8), quota: 100_000,
      items: [{ name: { en: 'Seat' }, price: '0.00', admission: true }],
      dates: [1, 2].map((number) => ({ name: { en: `Workshop ${number}` }, ...period(now, 24 + 24 * number, 2) })),
      lists: [{ name: 'Date 1', date: 0 }, { name: 'Date 2', date: 1 }, { name: 'All dates' }],
    },
  ],
});

/** Three real kinds of event that begin within the hour, so that a demo shows people coming. */
export const demoPlan = (now: Date, day = 1): OrganizerPlan => ({
  // Every day of the demo is another organizer: pretix never gives an id twice, and a story told again would.
  slug: day === 1 ? 'harbour' : `harbour-${day}`,
  name: 'Harbour Culture',
  token: 'demo-token-of-harbour-culture',
  events: [
    {
      slug: 'jazznight', name: { de: 'Jazznacht am Hafen', en: 'Harbour Jazz Night' }, timezone: 'Europe/Berlin', location: { en: 'Boathouse 7\nHamburg' }, latitude: 53.5436, longitude: 9.9879, type: 'concert', ...period(now, 0.2, 4), quota: 600, soldBefore: 320,
      items: [
        { name: { en: 'Standing', de: 'Stehplatz' }, price: '28.00', admission: true },
        { name: { en: 'Seat', de: 'Sitzplatz' }, price: '44.00', admission: true },
        { name: { en: 'Poster', de: 'Plakat' }, price: '12.00', admission: false },
      ],
      lists: [{ name: 'Doors' }, { name: 'Backstage', items: ['Seat'], allowMultipleEntries: true }],
    },
    {
      slug: 'makerfair', name: { en: 'Maker Fair', fr: 'Foire des bricoleurs' }, timezone: 'Europe/Paris', location: { en: 'Hall B\nLille' }, latitude: 50.6365, longitude: 3.0635, type: 'fair', ...period(now, 0.5, 6), quota: 900, soldBefore: 450,
      items: [{ name: { en: 'Day ticket' }, price: '15.00', admission: true }],
      lists: [{ name: 'Entrance' }],
    },
    {
      slug: 'tours', name: { en: 'Guided Tours' }, timezone: 'Europe/Lisbon', location: { en: 'Old Lighthouse\nPorto' }, latitude: 41.1496, longitude: -8.6763, type: 'tour', ...period(now, 0, 8), quota: 80, soldBefore: 60,
      items: [{ name: { en: 'Tour' }, price: '9.00', admission: true }],
      dates: [0.3, 1.5, 3].map((hours, index) => ({ name: { en: `Tour ${index + 1}` }, ...period(now, hours, 1) })),
      lists: [{ name: 'All tours' }],
    },
  ],
});

/**
 * The events of the demo: in several regions, one just over, some in full swing, some still to come.
 */
import { planDay } from './day.ts';
import type { EventDetails, EventPlan } from './plan.ts';

const minute = 60_000;
const hour = 60 * minute;

type DemoEvent = Omit<EventDetails, 'period' | 'gates'> & {
  /** Milliseconds from the beginning of the run. */
  readonly starts: number;
  readonly lasts: number;
  readonly gates: readonly string[];
  readonly turnout: number;
};

const summit = { organization: 'Global Tech Summit', contact: 'hello@gts.example' };

const demoEvents: readonly DemoEvent[] = [
  {
    eventId: 'tech-conference-2024', eventName: 'Tech Conference 2024', type: 'tech_conference', organizer: { organization: 'Tech Association', contact: 'office@tech-association.example' },
    timezone: 'Asia/Seoul', region: 'asia-pacific', venue: { name: 'COEX', address: '513 Yeongdong-daero, Gangnam-gu, Seoul', latitude: 37.5116, longitude: 127.0594 },
    public: true, registered: 500, turnout: 0.83, gates: ['Main entrance', 'East hall', 'Speakers'], starts: -12 * minute, lasts: 6 * hour,
  },
  {
    eventId: 'startup-meetup-2024', eventName: 'Startup Meetup 2024', type: 'meetup', organizer: { organization: 'Startup Hub', contact: 'team@startup-hub.example' },
    timezone: 'Asia/Seoul', region: 'asia-pacific', venue: { name: 'Maru 180', address: '180 Yeoksam-ro, Gangnam-gu, Seoul', latitude: 37.4957, longitude: 127.0388 },
    public: true, registered: 180, turnout: 0.7, gates: ['Front door', 'Terrace'], starts: 12 * minute, lasts: 3 * hour,
  },
  {
    eventId: 'gts-seoul-2024', eventName: 'Global Tech Summit 2024 - Seoul', type: 'tech_conference', organizer: summit,
    timezone: 'Asia/Seoul', region: 'asia-pacific', venue: { name: 'Dongdaemun Design Plaza', address: '281 Eulji-ro, Jung-gu, Seoul', latitude: 37.5663, longitude: 127.0092 },
    public: true, registered: 2400, turnout: 0.78, gates: ['Gate A', 'Gate B', 'Gate C', 'Gate D'], starts: -4 * hour, lasts: 4 * hour - 8 * minute,
  },
  {
    eventId: 'gts-berlin-2024', eventName: 'Global Tech Summit 2024 - Berlin', type: 'tech_conference', organizer: summit,
    timezone: 'Europe/Berlin', region: 'europe', venue: { name: 'Station Berlin', address: 'Luckenwalder Str. 4-6, 10963 Berlin', latitude: 52.4986, longitude: 13.3755 },
    public: true, registered: 3200, turnout: 0.81, gates: ['North', 'South', 'West', 'Press'], starts: -4 * minute, lasts: 8 * hour,
  },
  {
    eventId: 'gts-austin-2024', eventName: 'Global Tech Summit 2024 - Austin', type: 'tech_conference', organizer: summit,
    timezone: 'America/Chicago', region: 'north-america', venue: { name: 'Palmer Events Center', address: '900 Barton Springs Rd, Austin, TX 78704', latitude: 30.2596, longitude: -97.7521 },
    public: true, registered: 1500, turnout: 0.75, gates: ['Lobby', 'Garage'], starts: 20 * hour, lasts: 8 * hour,
  },
  {
    eventId: 'partner-summit-2024', eventName: 'Partner Summit 2024', type: 'private_meeting', organizer: { organization: 'Tech Association', contact: 'partners@tech-association.example' },
    timezone: 'Europe/Paris', region: 'europe', venue: { name: 'Station F', address: '5 Parvis Alan Turing, 75013 Paris', latitude: 48.8342, longitude: 2.3709 },
    public: false, registered: 120, turnout: 0.92, gates: ['Reception', 'Auditorium'], starts: -55 * minute, lasts: 5 * hour,
  },
];

/** Plans of the demo's events for a run that begins at `start` (milliseconds since 1970). */
export const planDemo = (start: number, seed: string): EventPlan[] =>
  demoEvents.map(({ starts, lasts, gates, turnout, ...details }) => {
    const period = { start: start + starts, end: start + starts + lasts };
    return planDay({ ...details, period, gates: gates.map((name, index) => ({ id: `gate-${index + 1}`, name })) }, { seed, turnout });
  });

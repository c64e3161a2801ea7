import type { LogEntry } from '#simulators/gatekeeper/gate-system.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { type Neighbour, pickOf } from './neighbour.ts';

const hour = 3_600_000;
const faults = ['status-500', 'too-many', 'html', 'half-json', 'unhealthy', 'absurd-numbers', 'drip', 'hang'] as const;
/** A badge passes no two gates within this: who leaves and comes within one moment is taken to have left. */
const between = 20;

/** Who is inside it knows by itself; its pushes are lost, or come twice. */
export const startGates = async (eventId: string): Promise<Neighbour> => {
  const now = Date.now();
  const plan = {
    eventId, eventName: eventId, type: 'fair', organizer: { organization: 'Gates', contact: 'gates@example.org' }, period: { start: now - hour, end: now + 8 * hour }, timezone: 'Asia/Seoul', region: 'asia-pacific', venue: null, public: false,
    registered: 300, gates: [{ id: 'north', name: 'North' }, { id: 'south', name: 'South' }], changes: [],
  };
  const simulator = await createGatekeeperSimulator({ plans: [plan], retry: { firstMs: 50, longestMs: 400, attempts: 4 } });
  const event = simulator.event(eventId);
  const passed = new Map<string, { readonly inside: boolean; readonly at: number }>();
  return {
    registration: { product: 'gatekeeper', eventId, endpoints: { api: simulator.endpoint(eventId) }, authentication: { type: 'API_KEY', credentials: { apiKey: simulator.apiKey } } },
    happen(random) {
      const badgeId = `${eventId}-badge-${random.below(120)}`;
      const { inside, at } = passed.get(badgeId) ?? { inside: false, at: 0 };
      if (Date.now() - at < between) return;
      event.pass({ badgeId, direction: inside ? 'exit' : 'entry', gateId: pickOf(random, plan.gates).id });
      passed.set(badgeId, { inside: !inside, at: Date.now() });
    },
    fail: (random) => event.setKnobs({ answers: pickOf(random, faults), silent: random.next() < 0.5, doublePushes: random.next() < 0.5 }),
    mend: () => event.setKnobs({ answers: 'none', silent: false, doublePushes: false }),
    truth: () => ({ [eventId]: { registered: plan.registered, present: event.system.current, checkIns: event.system.after(0, Infinity).filter(({ kind }: LogEntry) => kind === 'checkIn').length } }),
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
};

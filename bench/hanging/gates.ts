/** A gate system in a process of its own, with many events in full swing, each a service of its own. */
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import type { Knobs } from '#simulators/gatekeeper/faults.ts';
import { answerQuestions, sharedNow } from '../parts.ts';

export type GatesQuestions = typeof questions;

const hour = 3_600_000;
const now = Date.now();
const plans = process.argv.slice(2).map((eventId) => ({
  eventId, eventName: eventId, type: 'fair', organizer: { organization: 'Bench', contact: 'bench@example.org' }, period: { start: now - hour, end: now + 8 * hour }, timezone: 'Europe/Berlin', region: 'europe', venue: null, public: false,
  registered: 5_000, gates: [{ id: 'north', name: 'North' }, { id: 'south', name: 'South' }], changes: [],
}));
const simulator = await createGatekeeperSimulator({ plans });
for (const event of simulator.events) event.passMany(200);
let badges = 0;

const questions = {
  upstreams: () => simulator.events.map(({ eventId }) => ({ eventId, endpoint: simulator.endpoint(eventId), apiKey: simulator.apiKey })),
  /** From now on this event's service answers so. */
  answer(eventId: string, answers: Knobs['answers']): void {
    simulator.event(eventId).setKnobs({ answers });
  },
  /** Somebody comes to this event; answers when that was. */
  pass(eventId: string): number {
    simulator.event(eventId).pass({ badgeId: `badge-${badges++}` });
    return sharedNow();
  },
};
answerQuestions(questions);

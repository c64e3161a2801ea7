/** A gate system in a process of its own, whose one event is over: everybody has passed its gates already. */
import diagnostics from 'node:diagnostics_channel';
import { planDay } from '#simulators/gatekeeper/day.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import type { EventPlan } from '#simulators/gatekeeper/plan.ts';
import { answerQuestions } from '../parts.ts';
import type { Upstream } from './bare.ts';

export type GatesQuestions = typeof questions;

const hour = 3_600_000;

/** A day with exactly so many check-ins: as long as the people of a larger one come. */
const planPassages = (eventId: string, passages: number): EventPlan => {
  const end = Date.now() - 2 * hour;
  const plan = planDay(
    {
      eventId, eventName: eventId, type: 'fair', organizer: { organization: 'Bench', contact: 'bench@example.org' }, period: { start: end - 8 * hour, end }, timezone: 'Europe/Berlin', region: 'europe', venue: null, public: false,
      registered: passages, gates: ['North', 'South', 'West', 'East'].map((name, index) => ({ id: `gate-${index + 1}`, name })),
    },
    { seed: 'bench', turnout: 0.7 },
  );
  let left = passages;
  return { ...plan, changes: plan.changes.filter(({ kind }) => kind !== 'checkIn' || left-- > 0) };
};

const [eventId = '', passages = ''] = process.argv.slice(2);
const simulator = await createGatekeeperSimulator({ plans: [planPassages(eventId, Number(passages))] });
let calls = 0;
diagnostics.subscribe('http.server.request.start', () => void calls++);

const questions = {
  upstream: (): Upstream => ({ endpoint: simulator.endpoint(eventId), apiKey: simulator.apiKey }),
  /** Requests that were made of it so far. */
  calls: () => calls,
};
answerQuestions(questions);

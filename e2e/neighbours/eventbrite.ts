import { expectedCounts } from '#simulators/eventbrite/expected-counts.ts';
import { createEventbriteSimulator } from '#simulators/eventbrite/index.ts';
import { contractPlan } from '#simulators/eventbrite/plans.ts';
import { type Counted, type Neighbour, pickOf } from './neighbour.ts';

const faults = ['status-500', 'too-many', 'html', 'half-json', 'wrong-shape', 'hang'] as const;

/** Its reads lag behind its writes, its webhooks only hint. */
export const startEventbrite = async (name: string): Promise<Neighbour> => {
  const simulator = await createEventbriteSimulator({ plan: contractPlan, callsPerHour: null, lag: { longestMs: 2_000 }, webhookRetryMs: [100], seed: name });
  const { world } = simulator;
  // The third was over long ago: who comes to it now is not believed.
  const events = world.organization.events.map(({ id }) => id).slice(0, 2);
  const hubIds = Object.fromEntries(events.map((id, index) => [id, `${name}-${index + 1}`]));
  // Eventbrite forgets of a refunded ticket whether it was checked in, and whether that was undone before: nobody who did
  // not read in between can know, and no number of its own says what is right.
  const everCheckedIn = new Set<string>();
  return {
    registration: {
      product: 'eventbrite', endpoints: { api: `${simulator.url}/v3`, healthCheck: `${simulator.url}/v3` }, authentication: { type: 'API_KEY', credentials: { apiKey: simulator.token } },
      settings: { organizationId: simulator.organizationId, eventIds: hubIds, callsPerHour: 100_000 },
    },
    happen(random) {
      const sold = world.truth().filter(({ cancelled, refunded }) => !cancelled && !refunded);
      if (sold.length === 0 || random.next() < 0.4) return void world.register(pickOf(random, events), { tickets: 1 + random.below(3), unpaid: random.next() < 0.1 });
      const { id, status } = pickOf(random, sold);
      const chance = random.next();
      if (status === 'Unpaid') world.pay(id);
      else if (chance < 0.1) world.cancel(id);
      else if (chance < 0.2 && !everCheckedIn.has(id)) world.refund(id);
      else if (status === 'Checked In') world.undoCheckIn(id);
      else {
        everCheckedIn.add(id);
        world.checkIn(id);
      }
    },
    fail: (random) => simulator.misbehave(pickOf(random, faults)),
    mend: () => simulator.misbehave('none'),
    truth() {
      const attendees = world.truth();
      return Object.fromEntries(events.map((id): [string, Counted] => {
        const { registered, current, checkIns } = expectedCounts(attendees, id);
        return [hubIds[id] ?? '', { registered, present: current, checkIns }];
      }));
    },
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  };
};

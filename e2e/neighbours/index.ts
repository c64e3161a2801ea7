/** As many simulated services as are wanted, of all kinds, some of which fail at any time. */
import { expect } from 'vitest';
import { createRandom } from '#simulators/gatekeeper/random.ts';
import { type HubProcess, ask, askUntil } from '../hub-process.ts';
import { startDesk } from './desk.ts';
import { startEventbrite } from './eventbrite.ts';
import { startGates } from './gates.ts';
import { type Counted, type Neighbour, pickOf } from './neighbour.ts';
import { startPlatform } from './platform.ts';

const kinds: readonly ((name: string) => Promise<Neighbour>)[] = [startGates, startEventbrite, startPlatform, startDesk];
/** At once, at the most. */
const failing = 4;

export type Neighbours = AsyncDisposable & {
  register(hub: HubProcess): Promise<void>;
  /** A few things happen, and now and then one begins to fail or does well again. */
  step(): void;
  mendAll(): void;
  /** How often one began to fail. */
  failures(): number;
  truth(): Readonly<Record<string, Counted>>;
};

export const startNeighbours = async (seed: string, count = 19): Promise<Neighbours> => {
  const random = createRandom(seed);
  // What happens depends on the time between; how often something fails must not.
  const trouble = createRandom(`${seed}, what fails`);
  await using stack = new AsyncDisposableStack();
  const all: Neighbour[] = [];
  for (let n = 0; n < count; n++) all.push(stack.use(await pickKind(n)(`neighbour-${n}`)));
  const bad = new Set<Neighbour>();
  let failures = 0;
  const running = stack.move();
  return {
    async register(hub) {
      for (const [n, { registration }] of all.entries()) await registerService(hub, { serviceName: `neighbour ${n}`, syncSettings: { interval: 5 }, ...registration });
    },
    step() {
      for (let times = 3; times > 0; times--) pickOf(random, all).happen(random);
      if (trouble.next() > 0.1) return;
      const one = pickOf(trouble, all);
      if (bad.delete(one)) one.mend();
      else if (bad.size < failing) {
        bad.add(one);
        one.fail(trouble);
        failures += 1;
      }
    },
    mendAll() {
      for (const each of bad) each.mend();
      bad.clear();
    },
    failures: () => failures,
    truth: () => Object.assign({}, ...all.map((each) => each.truth())) as Record<string, Counted>,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
};

const pickKind = (n: number) => kinds[n % kinds.length] ?? startGates;

export const registerService = async (hub: HubProcess, input: object): Promise<void> => {
  const { data, errors } = await ask<{ registerEventService: { userErrors: unknown[] } }>(hub.url, hub.adminKey, 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code field message } } }', { input });
  expect(errors).toBeUndefined();
  expect(data.registerEventService.userErrors).toEqual([]);
};

type Told = { events: { edges: { node: { id: string; attendance: { totalRegistered: number; currentAttendees: number } | null; checkIns: { totalCount: number } } }[] } };

const numbersOfHub = async (hub: HubProcess, ids: readonly string[]): Promise<Record<string, Counted>> => {
  const { data } = await ask<Told>(hub.url, hub.adminKey, 'query ($ids: [ID!]) { events(first: 100, filter: { ids: $ids }) { edges { node { id attendance { totalRegistered currentAttendees } checkIns { totalCount } } } } }', { ids });
  return Object.fromEntries(data.events.edges.map(({ node: { id, attendance, checkIns } }) => [id, { registered: attendance?.totalRegistered ?? -1, present: attendance?.currentAttendees ?? -1, checkIns: checkIns.totalCount }]));
};

/** Every number of the hub's, of every one of them, is the service's own, within that time. */
export const expectEqualNumbers = async (hub: HubProcess, neighbours: Neighbours, withinMs: number): Promise<void> => {
  const truth = neighbours.truth();
  const ids = Object.keys(truth);
  const isSame = (told: Record<string, Counted>) => ids.every((id) => JSON.stringify(told[id]) === JSON.stringify(truth[id]));
  const last = await askUntil(() => numbersOfHub(hub, ids), isSame, withinMs).catch(() => numbersOfHub(hub, ids));
  expect(last).toEqual(truth);
};

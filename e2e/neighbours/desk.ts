import { createCustomSimulator } from '#simulators/custom/index.ts';
import type { Pass } from '#simulators/custom/world.ts';
import { type Neighbour, pickOf } from './neighbour.ts';

const faults = ['status-500', 'too-many', 'html', 'half-json', 'wrong-shape', 'hang'] as const;
const page = { style: 'page', parameter: 'p', sizeParameter: 'n', size: 20 };
const between = 20;

/** A service that the hub knows only by a declared mapping. Its pushes are hints, of which some are lost and some come twice. */
export const startDesk = async (ref: string): Promise<Neighbour> => {
  const desk = await createCustomSimulator({ authentication: { kind: 'header', name: 'x-desk-key', value: 'the desk knows it' } });
  const { world } = desk;
  world.addHappening({ ref });
  const doors = new Map<Pass, { readonly inside: boolean; readonly at: number }>();
  let isPushing = true;
  return {
    registration: {
      product: 'custom', endpoints: { api: desk.url, healthCheck: `${desk.url}/health` }, authentication: { type: 'API_KEY', credentials: { apiKey: 'the desk knows it', name: 'x-desk-key' } },
      settings: {
        resources: [
          { name: 'happenings', path: 'whole/happenings', items: 'table.rows', mapping: '{"kind": "event", "eventId": $record[0], "name": $record[1], "start": $fromMillis($record[2] * 1000), "end": $fromMillis($record[3] * 1000), "timezone": $record[4]}' },
          { name: 'passes', path: 'page/passes', paging: page, items: '$each(passes, function($pass) { $pass })', mapping: '{"kind": "registration", "eventId": ref, "upstreamId": no, "participant": holder, "state": state = "ok" ? "CONFIRMED" : "CANCELLED", "at": changed}' },
          { name: 'scans', path: 'page/scans', paging: page, items: 'answer.scans', mapping: '{"kind": "checkIn", "eventId": ref, "upstreamId": n, "participant": $string(pass), "at": $fromMillis(t), "direction": dir = "in" ? "ENTRY" : "EXIT", "gateId": door}' },
        ],
        webhook: { verify: { by: 'none' }, subscribe: { path: 'hooks', body: '{"target": $webhook.url}' } },
      },
    },
    happen(random) {
      const valid = world.passes.filter(({ state }) => state === 'ok');
      if (valid.length === 0 || random.next() < 0.35) return void world.sell(ref, String(world.passes.length + 1));
      const pass = pickOf(random, valid);
      if (random.next() < 0.1) return world.takeBack(pass);
      const { inside, at } = doors.get(pass) ?? { inside: false, at: 0 };
      if (Date.now() - at < between) return;
      world.scan(pass, inside ? 'out' : 'in');
      doors.set(pass, { inside: !inside, at: Date.now() });
      for (let times = isPushing ? random.below(3) : 0; times > 0; times--) void desk.pushLastScan().catch(() => undefined);
    },
    fail(random) {
      isPushing = random.next() < 0.5;
      desk.misbehave(pickOf(random, faults));
    },
    mend() {
      isPushing = true;
      desk.misbehave('none');
    },
    truth() {
      const valid = world.passes.filter(({ state }) => state === 'ok');
      return { [ref]: { registered: valid.length, present: valid.filter((pass) => doors.get(pass)?.inside).length, checkIns: world.scans.length } };
    },
    [Symbol.asyncDispose]: () => desk[Symbol.asyncDispose](),
  };
};

/**
 * Makes people buy, come, leave and cancel in a pretix, through its own API and in a seeded random order, and reads
 * pretix's own numbers afterwards: what the hub must come to as well.
 */
import { z } from 'zod';
import { createRandom } from '#simulators/gatekeeper/random.ts';
import { type PretixAddress, type PretixApi, createApi } from './api.ts';

export type TrafficPlan = {
  readonly seed: string;
  readonly orders: number;
  /** Successful entries. */
  readonly checkIns: number;
  /** Successful exits. */
  readonly exits: number;
  /** Orders canceled, some of them with people inside. */
  readonly cancellations: number;
  /** Pending orders paid later, canceled ones brought back, single tickets canceled, scans annulled: as many of each. */
  readonly others?: number;
};

const idAndSubevent = z.object({ id: z.number(), subevent: z.number().nullable() });
const listRow = idAndSubevent.extend({ name: z.string(), include_pending: z.boolean(), limit_products: z.array(z.number()), all_products: z.boolean() });
const orderRow = z.object({ code: z.string(), status: z.string(), positions: z.array(z.object({ id: z.number(), secret: z.string(), item: z.number(), subevent: z.number().nullable(), canceled: z.boolean() })) });
const statusRow = z.object({ checkin_count: z.number(), position_count: z.number(), inside_count: z.number() });

const maxRefusals = 500;

type Site = { readonly slug: string; readonly items: readonly number[]; readonly dates: readonly (number | null)[]; readonly lists: readonly z.infer<typeof listRow>[] };
type Bought = { readonly site: Site; readonly order: z.infer<typeof orderRow>; paid: boolean; canceled: boolean };

/** Plays the plan, one call after the other. `between` runs after each, to stop pretix or the hub meanwhile. */
export const makeTraffic = async (address: PretixAddress, plan: TrafficPlan, between: (done: number) => Promise<void> = async () => {}): Promise<void> => {
  const api = createApi(address);
  const sites = await readSites(api);
  const random = createRandom(plan.seed);
  const pick = <T>(from: readonly T[]): T | undefined => from[random.below(from.length)];
  const bought: Bought[] = [];
  const nonces: { list: number; nonce: string }[] = [];
  let scans = 0;

  const redeem = async (type: 'entry' | 'exit'): Promise<boolean> => {
    const one = pick(bought);
    const position = one && pick(one.order.positions);
    const list = one && pick(one.site.lists);
    if (!one || !position || !list) return false;
    const nonce = `${plan.seed}-${++scans}`;
    const answer = await api.call('POST', 'checkinrpc/redeem/', { secret: position.secret, lists: [list.id], type, nonce, ignore_unpaid: true });
    if (answer.status !== 201) return false;
    nonces.push({ list: list.id, nonce });
    return true;
  };
  const operate = async (one: Bought | undefined, operation: string): Promise<boolean> => {
    if (!one) return false;
    return (await api.call('POST', `events/${one.site.slug}/orders/${one.order.code}/${operation}/`, { send_email: false })).status === 200;
  };

  const others = plan.others ?? 0;
  const steps: { left: number; failed?: number; play: () => Promise<boolean> }[] = [
    {
      left: plan.orders,
      play: async () => {
        const site = pick(sites);
        if (!site) return false;
        const paid = random.next() < 0.85;
        const date = pick(site.dates) ?? null;
        const positions = Array.from({ length: 1 + random.below(3) }, () => ({ item: pick(site.items), subevent: date, attendee_name: 'Canary Person' }));
        const order = await api.post(`events/${site.slug}/orders/`, { status: paid ? 'p' : 'n', payment_provider: 'manual', email: 'canary@example.org', positions }, orderRow);
        bought.push({ site, order, paid, canceled: false });
        return true;
      },
    },
    { left: plan.checkIns, play: () => redeem('entry') },
    { left: plan.exits, play: () => redeem('exit') },
    {
      left: plan.cancellations,
      play: async () => {
        const one = pick(bought.filter(({ canceled }) => !canceled));
        return (await operate(one, 'mark_canceled')) && ((one ?? { canceled: true }).canceled = true);
      },
    },
    {
      left: others,
      play: async () => {
        const one = pick(bought.filter(({ paid, canceled }) => !paid && !canceled));
        return (await operate(one, 'mark_paid')) && ((one ?? { paid: true }).paid = true);
      },
    },
    {
      left: others,
      play: async () => {
        const one = pick(bought.filter(({ canceled }) => canceled));
        if (!one || !(await operate(one, 'reactivate'))) return false;
        one.canceled = false;
        return true;
      },
    },
    {
      left: others,
      play: async () => {
        const one = pick(bought.filter(({ order, canceled }) => !canceled && order.positions.length > 1));
        const position = one && pick(one.order.positions);
        return position !== undefined && (await api.call('DELETE', `events/${one?.site.slug}/orderpositions/${position.id}/`)).status === 204;
      },
    },
    {
      left: others,
      play: async () => {
        const [one] = nonces.splice(random.below(Math.max(1, nonces.length)), 1);
        return one !== undefined && (await api.call('POST', 'checkinrpc/annul/', { lists: [one.list], nonce: one.nonce })).status === 200;
      },
    },
  ];

  for (let done = 0; ; ) {
    const open = steps.filter(({ left }) => left > 0);
    // By what is left, so that everything happens all the time.
    let place = random.next() * open.reduce((sum, { left }) => sum + left, 0);
    const step = open.find(({ left }) => (place -= left) < 0) ?? open.at(-1);
    if (!step) return;
    if (!(await step.play())) {
      // Not possible now (nobody is inside, everything is paid). Given up when it stays so.
      step.failed = (step.failed ?? 0) + 1;
      if (step.failed > maxRefusals) step.left = 0;
      continue;
    }
    step.left -= 1;
    step.failed = 0;
    await between(++done);
  }
};

const readSites = async (api: PretixApi): Promise<Site[]> => {
  const events = await api.all('events/', z.object({ slug: z.string(), has_subevents: z.boolean() }));
  return Promise.all(
    events.map(async ({ slug, has_subevents }) => ({
      slug,
      items: (await api.all(`events/${slug}/items/`, z.object({ id: z.number() }))).map(({ id }) => id),
      dates: has_subevents ? (await api.all(`events/${slug}/subevents/`, z.object({ id: z.number() }))).map(({ id }) => id) : [null],
      lists: await api.all(`events/${slug}/checkinlists/`, listRow),
    })),
  );
};

export type Truth = Readonly<
  Record<
    string,
    {
      /** Orders by status letter. */
      readonly orders: Readonly<Record<string, number>>;
      readonly lists: readonly { readonly id: number; readonly name: string; readonly subevent: number | null; readonly checkin_count: number; readonly position_count: number; readonly inside_count: number }[];
    }
  >
>;

/** pretix's own numbers, through its API. */
export const readTruth = async (address: PretixAddress): Promise<Truth> => {
  const api = createApi(address);
  const truth: Record<string, Truth[string]> = {};
  for (const { slug, lists } of await readSites(api)) {
    const orders = await api.all(`events/${slug}/orders/?include=status`, z.object({ status: z.string() }));
    const read = [];
    for (const { id, name, subevent } of lists) read.push({ id, name, subevent, ...(await api.get(`events/${slug}/checkinlists/${id}/status/`, statusRow)) });
    truth[slug] = { orders: Object.fromEntries([...Map.groupBy(orders, ({ status }) => status)].map(([status, rows]) => [status, rows.length])), lists: read };
  }
  return truth;
};

/** Buys and scans by names instead of ids: the ids differ between the simulator and a real pretix. */
import { z } from 'zod';
import type { PretixApi } from '#scripts/pretix/api.ts';

const bought = z.object({ code: z.string(), positions: z.array(z.object({ id: z.number(), secret: z.string() })) });
const named = z.object({ id: z.number(), name: z.union([z.string(), z.object({ en: z.string() }).transform(({ en }) => en)]) });

export type Bought = z.infer<typeof bought>;
export type BuyOptions = { readonly status?: 'n' | 'p'; readonly testmode?: boolean; readonly valid_if_pending?: boolean; /** Which of a series' dates, from 0. */ readonly date?: number };
export type ScanOptions = { readonly type?: 'entry' | 'exit'; readonly nonce?: string; readonly datetime?: string; readonly ignore_unpaid?: boolean };

export const createVisitor = async (api: PretixApi) => {
  const known = new Map<string, Promise<ReadonlyMap<string, number>>>();
  const idsOf = (path: string): Promise<ReadonlyMap<string, number>> => {
    const ids = known.get(path) ?? api.all(path, named).then((rows) => new Map(rows.map(({ id, name }) => [name, id])));
    known.set(path, ids);
    return ids;
  };
  const listId = async (event: string, list: string): Promise<number | undefined> => (await idsOf(`events/${event}/checkinlists/`)).get(list);
  return {
    listId,
    /** A paid order of these products, unless told otherwise, by the person whom no fact may name. */
    async buy(event: string, items: readonly string[], { status = 'p', date, ...rest }: BuyOptions = {}): Promise<Bought> {
      const ids = await idsOf(`events/${event}/items/`);
      const dates = date === undefined ? [] : [...(await idsOf(`events/${event}/subevents/`)).values()];
      const positions = items.map((name) => ({ item: ids.get(name), subevent: date === undefined ? null : dates[date], attendee_name: 'Canary Person' }));
      return api.post(`events/${event}/orders/`, { status, payment_provider: 'manual', email: 'canary@example.org', positions, ...rest }, bought);
    },
    /** HTTP status, and `ok` or the reason why not. */
    async scan(event: string, list: string, secret: string | undefined, options: ScanOptions = {}): Promise<[number, string]> {
      const answer = await api.call('POST', 'checkinrpc/redeem/', { secret, lists: [await listId(event, list)], ...options });
      const { status, reason } = z.object({ status: z.string(), reason: z.string().optional() }).parse(answer.body);
      return [answer.status, reason ?? status];
    },
  };
};

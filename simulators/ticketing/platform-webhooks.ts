/** Tells webhooks of changes: in order, signed, each tried again for a while. */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'undici';
import { waitUnless } from '#simulators/wait-unless.ts';
import type { Change } from './platform-world.ts';

export type Webhook = { readonly id: string; readonly url: string; readonly secret: string };

const typeOf: Readonly<Record<Change['kind'], string>> = { artists: 'artist.changed', venues: 'venue.changed', events: 'event.changed', tickets: 'ticket.changed', bookings: 'booking.changed', 'check-ins': 'checkin.recorded' };

/** As the gate system signs: HMAC-SHA256 of `<timestamp>.<raw body>`. */
export const sign = (secret: string, timestamp: string, body: string): string => `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

export const createWebhooks = (now: () => number, retryAfterMs: readonly number[]) => {
  const agent = new Agent({ connections: 2, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const closing = new AbortController();
  const all: Webhook[] = [];
  let deliveries = 0;
  let queue = Promise.resolve();

  const post = async ({ url, secret }: Webhook, body: string): Promise<boolean> => {
    const timestamp = String(Math.floor(now() / 1000));
    try {
      const response = await request(url, { method: 'POST', body, dispatcher: agent, signal: closing.signal, headers: { 'content-type': 'application/json', 'x-webhook-timestamp': timestamp, 'x-webhook-signature': sign(secret, timestamp, body) } });
      await response.body.dump();
      return response.statusCode < 300;
    } catch {
      return false;
    }
  };
  const deliver = async (webhook: Webhook, body: string): Promise<void> => {
    for (const wait of [0, ...retryAfterMs]) {
      if (wait > 0) await waitUnless(closing.signal, wait);
      if (closing.signal.aborted || (await post(webhook, body))) return;
    }
  };
  return {
    all,
    /** One webhook for each URL; a new secret replaces the old one. */
    add(url: string, secret: string): Webhook {
      const known = all.findIndex((each) => each.url === url);
      const webhook = { id: all[known]?.id ?? `hook-${all.length + 1}`, url, secret };
      if (known < 0) all.push(webhook);
      else all[known] = webhook;
      return webhook;
    },
    remove(id: string): void {
      const index = all.findIndex((each) => each.id === id);
      if (index >= 0) all.splice(index, 1);
    },
    tell({ kind, resource }: Change): void {
      const body = JSON.stringify({ id: `dlv-${++deliveries}`, type: typeOf[kind], occurredAt: resource.updatedAt, data: resource });
      for (const webhook of all) queue = queue.then(() => deliver(webhook, body));
    },
    /** Everything told so far was delivered or given up. */
    settled: () => queue,
    async close(): Promise<void> {
      closing.abort();
      await queue;
      await agent.destroy();
    },
  };
};
export type Webhooks = ReturnType<typeof createWebhooks>;

/** Tells webhooks where something happened: thin, unsigned, in order, each tried again for a while. */
import { Agent, request } from 'undici';
import { waitUnless } from '#simulators/wait-unless.ts';
import type { Happening } from './world.ts';

export type Webhook = { readonly id: string; readonly endpoint_url: string; readonly actions: readonly string[]; readonly event_id: string | null; readonly created: string };

export type Webhooks = {
  readonly all: Webhook[];
  tell(happening: Happening): void;
  /** Everything told so far was delivered or given up. */
  settled(): Promise<void>;
  counts(): { readonly delivered: number; readonly failed: number };
  close(): Promise<void>;
};

export type WebhooksOptions = { /** The simulator's own address, as `api_url` has it. */ readonly api: () => string; readonly userId: string; /** Waits before another try, in milliseconds. */ readonly retryAfterMs: readonly number[] };

export const createWebhooks = ({ api, userId, retryAfterMs }: WebhooksOptions): Webhooks => {
  const agent = new Agent({ connections: 4, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const closing = new AbortController();
  const all: Webhook[] = [];
  const counts = { delivered: 0, failed: 0 };
  let deliveries = 0;
  let queue = Promise.resolve();

  const post = async (webhook: Webhook, { action, path }: Happening): Promise<boolean> => {
    const body = JSON.stringify({ api_url: `${api()}/v3/${path}`, config: { action, endpoint_url: webhook.endpoint_url, user_id: userId, webhook_id: webhook.id } });
    const headers = { 'content-type': 'application/json', 'user-agent': 'Eventbrite Hookshot simulated', 'x-eventbrite-event': action, 'x-eventbrite-delivery': String((deliveries += 1)) };
    try {
      const response = await request(webhook.endpoint_url, { method: 'POST', headers, body, dispatcher: agent, signal: closing.signal });
      await response.body.dump();
      return response.statusCode < 300;
    } catch {
      return false;
    }
  };
  const deliver = async (webhook: Webhook, happening: Happening): Promise<void> => {
    for (const wait of [0, ...retryAfterMs]) {
      if (wait > 0) await waitUnless(closing.signal, wait);
      if (closing.signal.aborted) return;
      if (await post(webhook, happening)) {
        counts.delivered += 1;
        return;
      }
    }
    counts.failed += 1;
  };

  return {
    all,
    tell(happening) {
      for (const webhook of all) if (webhook.actions.includes(happening.action) && (webhook.event_id ?? happening.eventId) === happening.eventId) queue = queue.then(() => deliver(webhook, happening));
    },
    settled: () => queue,
    counts: () => ({ ...counts }),
    async close() {
      closing.abort();
      await queue;
      await agent.destroy();
    },
  };
};

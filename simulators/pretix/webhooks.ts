/** Tells webhooks what happened: thin, unsigned, in order, each tried again for a while. */
import { Agent, request } from 'undici';
import { waitUnless } from '#simulators/wait-unless.ts';
import type { Happening } from './world.ts';

export type Webhook = { readonly id: number; enabled: boolean; target_url: string; all_events: boolean; limit_events: readonly string[]; action_types: readonly string[]; comment: string | null };

export type Webhooks = {
  readonly all: Webhook[];
  tell(happening: Happening): void;
  /** Everything told so far was delivered or given up. */
  settled(): Promise<void>;
  counts(): { readonly delivered: number; readonly failed: number };
  close(): Promise<void>;
};

/** `pretix.event.order.changed.*` takes every action below it. */
const takes = (webhook: Webhook, { action, event }: Happening): boolean =>
  webhook.enabled && (webhook.all_events || webhook.limit_events.includes(event)) && webhook.action_types.some((type) => type === action || (type.endsWith('.*') && action.startsWith(type.slice(0, -1))));

export const createWebhooks = (organizer: string, retryAfterMs: readonly number[]): Webhooks => {
  const agent = new Agent({ connections: 4, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const closing = new AbortController();
  const all: Webhook[] = [];
  const counts = { delivered: 0, failed: 0 };
  let notifications = 0;
  let queue = Promise.resolve();

  const post = async (webhook: Webhook, body: string): Promise<boolean> => {
    try {
      const response = await request(webhook.target_url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, dispatcher: agent, signal: closing.signal });
      await response.body.dump();
      // 410 Gone is how a receiver ends it.
      if (response.statusCode === 410) webhook.enabled = false;
      return response.statusCode < 300 || response.statusCode === 410;
    } catch {
      return false;
    }
  };
  const deliver = async (webhook: Webhook, body: string): Promise<void> => {
    for (const wait of [0, ...retryAfterMs]) {
      if (wait > 0) await waitUnless(closing.signal, wait);
      if (closing.signal.aborted) return;
      if (await post(webhook, body)) {
        counts.delivered += 1;
        return;
      }
    }
    counts.failed += 1;
  };

  return {
    all,
    tell(happening) {
      const body = JSON.stringify({ notification_id: ++notifications, organizer, event: happening.event, code: happening.code, action: happening.action, ...happening.detail });
      for (const webhook of all) if (takes(webhook, happening)) queue = queue.then(() => deliver(webhook, body));
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

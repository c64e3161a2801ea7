/** A gate system that tells nothing when it is asked, so that what the hub knows came by push alone. */
import { createHmac } from 'node:crypto';
import { fastify } from 'fastify';

export type PushingUpstream = AsyncDisposable & {
  readonly apiKey: string;
  endpoint(eventId: string): string;
  /** Pushes check-ins of these badges (and ids) and answers the status; null when the hub is not there. */
  push(eventId: string, badges: readonly string[]): Promise<number | null>;
};

export const startPushingUpstream = async (): Promise<PushingUpstream> => {
  const app = fastify({ forceCloseConnections: true });
  const keys = new Map<string, { webhookUrl: string; secret: string }>();
  const period = { start: new Date(Date.now() - 3_600_000).toISOString(), end: new Date(Date.now() + 36_000_000).toISOString() };
  const statement = { participants: { total: 500 }, attendance: { current: 0 }, gates: [], log: 'pushes', sequence: 0, checkIns: [] };
  app.get('/:eventId/health', async () => ({ status: 'healthy' }));
  app.post<{ Params: { eventId: string }; Body: { webhookUrl: string; secret: string } }>('/:eventId/keys/exchange', async ({ params, body }) => {
    keys.set(params.eventId, body);
    return { accepted: true };
  });
  app.get<{ Params: { eventId: string } }>('/:eventId/sync/initial', async ({ params }) => ({ ...statement, event: { eventId: params.eventId, eventName: params.eventId, period, timezone: 'UTC' } }));
  app.get('/:eventId/analytics/realtime', async () => statement);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    apiKey: 'any',
    endpoint: (eventId) => `${url}/${eventId}`,
    async push(eventId, badges) {
      const key = keys.get(eventId);
      if (!key) throw new Error(`no keys were exchanged for ${eventId}`);
      const at = new Date().toISOString();
      const body = JSON.stringify({ event: 'attendance_checkin', eventId, eventPeriod: period, data: { checkIns: badges.map((badge) => ({ id: `scan-${badge}`, badgeId: badge, direction: 'entry', at })) } });
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', key.secret).update(`${timestamp}.${body}`).digest('hex');
      const headers = { 'content-type': 'application/json', 'x-webhook-timestamp': timestamp, 'x-webhook-signature': `sha256=${signature}` };
      return fetch(key.webhookUrl, { method: 'POST', headers, body }).then(async (response) => {
        await response.arrayBuffer();
        return response.status;
      }, () => null);
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
};

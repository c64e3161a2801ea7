/**
 * A door in front of a simulated gate system, so that a test decides which keys are good, sees how pushes are answered,
 * and knows the moment at which the hub has done one step and not the next.
 */
import { fastify } from 'fastify';
import type { GatekeeperSimulator } from '#simulators/gatekeeper/index.ts';

/** `told`: the upstream did it, and the answer never comes; `asked`: it was not even told. `answered`: it was answered. */
export type Moment = 'asked' | 'told' | 'answered';
type Call = { readonly path: string; readonly key: string };
type Trap = { readonly moment: Moment; readonly isMeant: (call: Call) => boolean; readonly caught: () => void };

export type UpstreamDoor = AsyncDisposable & {
  /** Good at the moment. */
  readonly keys: Set<string>;
  /** How often pushes were answered with which status; 0: nobody was there. */
  readonly pushed: Map<number, number>;
  /** Called whenever a push of an event was answered, or nobody was there. */
  onPush: (eventId: string) => void;
  /** Of the same event there are several addresses. */
  endpoint(eventId: string, entrance?: string): string;
  /** Resolves when such a call has come so far; it gets no further. */
  catchNext(moment: Moment, isMeant: Trap['isMeant']): Promise<void>;
};

/** Of the events `toldByPushAlone` nothing is told to who asks who passed. */
export const openUpstreamDoor = async (gates: GatekeeperSimulator, toldByPushAlone: readonly string[]): Promise<UpstreamDoor> => {
  const app = fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const keys = new Set<string>();
  const pushed = new Map<number, number>();
  let traps: Trap[] = [];
  /** Whether the call ends here. */
  const isCaught = (moment: Moment, call: Call): boolean => {
    const trap = traps.find((each) => each.moment === moment && each.isMeant(call));
    traps = traps.filter((each) => each !== trap);
    trap?.caught();
    return trap !== undefined;
  };

  app.post<{ Params: { eventId: string }; Querystring: { to: string } }>('/push/:eventId', async ({ params, query, headers, body }, reply) => {
    const signed = Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('x-webhook-'))) as Record<string, string>;
    const status = await fetch(query.to, { method: 'POST', headers: signed, body: body as Buffer<ArrayBuffer> }).then(async (answer) => (await answer.arrayBuffer(), answer.status), () => 0);
    pushed.set(status, (pushed.get(status) ?? 0) + 1);
    door.onPush(params.eventId);
    return reply.code(status || 502).send();
  });
  app.all<{ Params: { entrance: string; eventId: string; '*': string } }>('/at/:entrance/:eventId/*', async ({ params, url: path, method, headers, body }, reply) => {
    const call = { path, key: String(headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, '')) };
    if (!keys.has(call.key)) return reply.code(401).send();
    if (isCaught('asked', call)) return reply.hijack();
    const search = path.includes('?') ? path.slice(path.indexOf('?')) : '';
    const answer = await fetch(`${gates.endpoint(params.eventId)}/${params['*']}${search}`, {
      method,
      headers: { 'x-api-key': gates.apiKey, ...(method === 'POST' && { 'content-type': 'application/json' }) },
      ...(method === 'POST' && { body: throughHere(body as Buffer, params.eventId) }),
    });
    const told = (await answer.json()) as Record<string, unknown>;
    if (isCaught('told', call)) return reply.hijack();
    void reply.code(answer.status).send(toldByPushAlone.includes(params.eventId) && 'checkIns' in told ? { ...told, checkIns: [] } : told);
    reply.raw.once('finish', () => isCaught('answered', call));
    return reply;
  });
  /** Pushes come through this door too. */
  const throughHere = (body: Buffer, eventId: string): string => {
    const exchanged = JSON.parse(body.toString()) as { webhookUrl: string };
    return JSON.stringify({ ...exchanged, webhookUrl: `${url}/push/${eventId}?to=${encodeURIComponent(exchanged.webhookUrl)}` });
  };

  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const door: UpstreamDoor = {
    keys,
    pushed,
    onPush: () => undefined,
    endpoint: (eventId, entrance = 'front') => `${url}/at/${entrance}/${eventId}`,
    catchNext: (moment, isMeant) => new Promise((caught) => void traps.push({ moment, isMeant, caught })),
    [Symbol.asyncDispose]: () => app.close(),
  };
  return door;
};

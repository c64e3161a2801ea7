/**
 * The HTTP endpoints of the gate system. Every event has a base path of its own, `/<eventId>`.
 */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tellInitial, tellRealtime } from './answers.ts';
import { backupRequest } from './backups.ts';
import type { ScenarioClock } from './clock.ts';
import { absurd, knobs as knobsSchema, misbehave } from './faults.ts';
import type { SimulatedEvent } from './simulated-event.ts';

export type RoutesOptions = { readonly events: ReadonlyMap<string, SimulatedEvent>; readonly clock: ScenarioClock; readonly apiKey: string };

const exchange = z.object({ webhookUrl: z.url({ protocol: /^https?$/ }), secret: z.string().min(16).max(200) });
const since = z.coerce.number().int().min(0);

export const addRoutes = (app: FastifyInstance, { events, clock, apiKey }: RoutesOptions): void => {
  /** Finds the event, checks the key, and lets a bad day have its way; undefined where the answer is given already. */
  const open = (request: FastifyRequest, reply: FastifyReply, needsKey = true): SimulatedEvent | undefined => {
    const event = events.get((request.params as { eventId: string }).eventId);
    if (needsKey && !hasKey(request, apiKey)) void reply.code(401).send({ error: 'unknown API key' });
    else if (!event) void reply.code(404).send({ error: 'no such event' });
    else if (!misbehave(event.knobs.answers, reply)) return event;
    return undefined;
  };
  const refuse = (reply: FastifyReply, error: z.ZodError) => reply.code(400).send({ error: 'bad request', issues: error.issues.map(({ path, message }) => ({ path: path.join('.'), message })) });

  app.get('/:eventId/health', (request, reply) => {
    const event = open(request, reply, false);
    if (event) void reply.send({ status: event.knobs.answers === 'unhealthy' ? 'unhealthy' : 'healthy' });
  });
  app.post('/:eventId/keys/exchange', (request, reply) => {
    const event = open(request, reply);
    if (!event) return;
    const asked = exchange.safeParse(request.body);
    if (!asked.success) return refuse(reply, asked.error);
    event.pusher.setTarget(asked.data);
    void reply.send({ status: 'exchanged', webhookUrl: asked.data.webhookUrl });
  });
  app.get('/:eventId/sync/initial', (request, reply) => {
    const event = open(request, reply);
    if (!event) return;
    const answer = tellInitial(event.system, clock, event.knobs);
    void reply.send(event.knobs.answers === 'absurd-numbers' ? absurd(answer) : answer);
  });
  app.get('/:eventId/analytics/realtime', (request, reply) => {
    const event = open(request, reply);
    if (!event) return;
    const asked = since.optional().safeParse((request.query as { since?: string }).since);
    if (!asked.success) return refuse(reply, asked.error);
    const answer = tellRealtime(event.system, clock, event.knobs, asked.data);
    void reply.send(event.knobs.answers === 'absurd-numbers' ? absurd(answer) : answer);
  });
  app.post('/:eventId/backup/create', (request, reply) => {
    const event = open(request, reply);
    if (!event) return;
    const asked = backupRequest.safeParse(request.body);
    if (!asked.success) return refuse(reply, asked.error);
    if (asked.data.encryption && !event.pusher.target) return reply.code(409).send({ error: 'encryption needs exchanged keys' });
    void reply.send(event.backups.create(event.system, asked.data, event.pusher.target?.secret, event.knobs, clock.wall.now()));
  });
  app.get('/:eventId/backup/:backupId/:file', (request, reply) => {
    const { backupId, file } = request.params as { backupId: string; file: string };
    const content = open(request, reply)?.backups.file(backupId, file);
    if (content) void reply.type('application/octet-stream').send(content);
    else if (!reply.sent) void reply.code(404).send({ error: 'no such backup' });
  });
  // Not a part of a gate system: lets a demo have a bad day.
  app.patch('/:eventId/simulator', (request, reply) => {
    const event = events.get((request.params as { eventId: string }).eventId);
    if (!hasKey(request, apiKey)) return reply.code(401).send({ error: 'unknown API key' });
    if (!event) return reply.code(404).send({ error: 'no such event' });
    const asked = knobsSchema.strict().safeParse({ ...event.knobs, ...(request.body as object) });
    if (!asked.success) return refuse(reply, asked.error);
    event.setKnobs(asked.data);
    void reply.send(event.knobs);
  });
};

const hasKey = ({ headers }: FastifyRequest, apiKey: string): boolean => {
  const given = headers['x-api-key'] ?? /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  const [left, right] = [Buffer.from(String(given)), Buffer.from(apiKey)];
  return left.length === right.length && timingSafeEqual(left, right);
};

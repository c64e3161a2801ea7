/** What can be done: orders placed and changed, tickets scanned, webhooks kept. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tellOrder, tellPosition } from './payloads.ts';
import { Refused, eventOf, found } from './routes-read.ts';
import { annul, scan } from './scans.ts';
import type { Webhooks } from './webhooks.ts';
import { type List, type NewPosition, type SimulatedEvent, type World, cancelPosition, operate, operations, placeOrder } from './world.ts';

const moment = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'Datetime has wrong format.');

const newOrder = z.object({
  status: z.enum(['n', 'p']).default('n'),
  email: z.string().nullish(),
  testmode: z.boolean().default(false),
  valid_if_pending: z.boolean().default(false),
  positions: z.array(z.object({ item: z.number(), subevent: z.number().nullish(), attendee_name: z.string().nullish() })),
});

const redeem = z.object({
  secret: z.string(),
  lists: z.array(z.number()),
  type: z.enum(['entry', 'exit']).default('entry'),
  force: z.boolean().default(false),
  ignore_unpaid: z.boolean().default(false),
  nonce: z.string().nullish(),
  datetime: moment.nullish(),
});

const annulment = z.object({ lists: z.array(z.number()), nonce: z.string() });
const newWebhook = z.object({ enabled: z.boolean().default(true), target_url: z.url(), all_events: z.boolean().default(false), limit_events: z.array(z.string()), action_types: z.array(z.string()), comment: z.string().nullish() });

/** The body, or 400 with the fields at fault, as Django REST framework words it. */
const read = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => [String(issue.path[0] ?? 'non_field_errors'), [issue.code === 'invalid_type' && issue.message.includes('undefined') ? 'This field is required.' : issue.message]]);
  throw new Refused(400, Object.fromEntries(fields));
};

export const writeRoutes = (app: FastifyInstance, world: World, webhooks: Webhooks): void => {
  const organizer = '/api/v1/organizers/:organizer';
  const inEvent = `${organizer}/events/:event`;
  const orderOf = (request: FastifyRequest) => found(eventOf(world, request).orders.find(({ code }) => code === (request.params as { code: string }).code), 'Order');
  const listsOf = (ids: readonly number[]): List[] => {
    const all = [...world.events.values()].flatMap(({ lists }) => lists);
    const lists = ids.map((id) => {
      const list = all.find((each) => each.id === id);
      if (!list) throw new Refused(400, { lists: [`Invalid pk "${id}" - object does not exist.`] });
      return list;
    });
    if (new Set(lists.map(({ event }) => event)).size !== lists.length) throw new Refused(400, ['Selecting two check-in lists from the same event is unsupported.']);
    return lists;
  };

  app.post(`${inEvent}/orders/`, (request, reply) => {
    const event = eventOf(world, request);
    const body = read(newOrder, request.body);
    const positions = body.positions.map((each) => newPosition(event, each));
    checkQuotas(event, positions);
    void reply.code(201);
    return tellOrder(placeOrder(world, event, { status: body.status, email: body.email ?? null, testmode: body.testmode, validIfPending: body.valid_if_pending, positions }), false);
  });
  for (const name of Object.keys(operations))
    app.post(`${inEvent}/orders/:code/${name}/`, (request) => {
      const order = orderOf(request);
      const refused = operate(world, order, name);
      if (refused !== null) throw new Refused(400, { detail: refused });
      return tellOrder(order, false);
    });
  app.delete(`${inEvent}/orders/:code/`, (request, reply) => {
    const order = orderOf(request);
    if (!order.testmode) throw new Refused(403, { detail: 'Only test mode orders can be deleted.' });
    order.event.orders.splice(order.event.orders.indexOf(order), 1);
    world.happened({ action: 'pretix.event.order.deleted', event: order.event.plan.slug, code: order.code });
    void reply.code(204).send();
  });
  app.delete(`${inEvent}/orderpositions/:position/`, (request, reply) => {
    const all = eventOf(world, request).orders.flatMap(({ positions }) => positions);
    const position = found(all.find(({ id, canceled }) => !canceled && String(id) === (request.params as { position: string }).position), 'OrderPosition');
    if (position.order.positions.filter(({ canceled }) => !canceled).length === 1) throw new Refused(400, ['This operation would leave the order empty. Please cancel the order itself instead.']);
    cancelPosition(world, position);
    void reply.code(204).send();
  });
  app.post(`${organizer}/checkinrpc/redeem/`, (request, reply) => {
    const body = read(redeem, request.body);
    const lists = listsOf(body.lists);
    const list = lists.find(({ event }) => event.orders.some(({ positions }) => positions.some(({ secret }) => secret === body.secret))) ?? lists[0];
    if (!list) throw new Refused(400, { lists: ['This list may not be empty.'] });
    const result = scan(world, { secret: body.secret, list, type: body.type, force: body.force, ignoreUnpaid: body.ignore_unpaid, nonce: body.nonce ?? null, datetime: body.datetime ? new Date(body.datetime).toISOString() : null });
    const shared = { reason_explanation: null, require_attention: false, checkin_texts: [], list: { id: list.id, name: list.name, event: list.event.plan.slug, subevent: list.subevent, include_pending: list.includePending } };
    if (result.ok) return reply.code(201).send({ status: 'ok', ...shared, position: tellPosition(result.position) });
    if (!result.position) return reply.code(404).send({ detail: 'Not found.', status: 'error', reason: result.reason, ...shared });
    return reply.code(400).send({ status: 'error', reason: result.reason, ...shared, position: tellPosition(result.position) });
  });
  app.post(`${organizer}/checkinrpc/annul/`, (request) => {
    const body = read(annulment, request.body);
    const refused = annul(world, listsOf(body.lists), body.nonce);
    if (refused) throw new Refused(refused.status, refused.detail);
    return { status: 'ok' };
  });
  app.post(`${organizer}/webhooks/`, (request, reply) => {
    const body = read(newWebhook, request.body);
    const webhook = { id: world.nextId(), ...body, comment: body.comment ?? null };
    webhooks.all.push(webhook);
    return reply.code(201).send(webhook);
  });
  app.delete(`${organizer}/webhooks/:webhook/`, (request, reply) => {
    found(webhooks.all.find(({ id }) => String(id) === (request.params as { webhook: string }).webhook), 'WebHook').enabled = false;
    void reply.code(204).send();
  });
};

const newPosition = (event: SimulatedEvent, wanted: z.infer<typeof newOrder>['positions'][number]): NewPosition => {
  const item = event.items.find(({ id }) => id === wanted.item);
  if (!item) throw new Refused(400, { positions: [{ item: [`Invalid pk "${wanted.item}" - object does not exist.`] }] });
  const subevent = wanted.subevent ?? null;
  if (!event.quotas.some((quota) => quota.subevent === subevent)) throw new Refused(400, { positions: [{ item: [`The product "${item.name.en}" is not assigned to a quota.`] }] });
  return { item, subevent, attendeeName: wanted.attendee_name ?? null };
};

/** Nobody may buy more than there is. */
const checkQuotas = (event: SimulatedEvent, wanted: readonly NewPosition[]): void => {
  for (const quota of event.quotas) {
    const more = wanted.filter(({ subevent }) => subevent === quota.subevent).length;
    const taken = event.orders.filter(({ status }) => status === 'p' || status === 'n').flatMap(({ positions }) => positions.filter((each) => !each.canceled && each.subevent === quota.subevent)).length;
    if (more > 0 && taken + more > quota.size) throw new Refused(400, { positions: [{ item: [`There is not enough quota available on quota "${quota.name}" to perform the operation.`] }] });
  }
};


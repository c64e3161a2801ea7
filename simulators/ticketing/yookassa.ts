/**
 * YooKassa's API v3 as far as bookings need it (https://yookassa.ru/developers/api): payments, refunds, notifications.
 *
 * A notification is not signed; it is sent until it is answered 200, may be sent several times and in any order.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Agent, request as send } from 'undici';
import { z } from 'zod';
import { waitUnless } from '#simulators/wait-unless.ts';
import { type SimulatedServer, createSimulatedServer } from './simulated-server.ts';

const amount = z.object({ value: z.string().regex(/^\d{1,9}\.\d{2}$/), currency: z.string().regex(/^[A-Z]{3}$/) });
export type Amount = z.infer<typeof amount>;
const paymentInput = z.object({ amount, capture: z.boolean().default(false), description: z.string().max(128).optional(), confirmation: z.object({ type: z.literal('redirect'), return_url: z.string().max(2048) }), metadata: z.record(z.string().max(32), z.string().max(512)).default({}) });
const refundInput = z.object({ payment_id: z.string(), amount, description: z.string().max(250).optional() });

const refundsQuery = z.object({ payment_id: z.string().optional(), limit: z.coerce.number().int().min(1).max(100).default(10) });

export type Payment = {
  id: string;
  status: 'pending' | 'waiting_for_capture' | 'succeeded' | 'canceled';
  paid: boolean;
  amount: Amount;
  refunded_amount?: Amount;
  confirmation: { type: 'redirect'; confirmation_url: string };
  created_at: string;
  captured_at?: string;
  cancellation_details?: { party: string; reason: string };
  description?: string | undefined;
  metadata: Record<string, string>;
  recipient: { account_id: string; gateway_id: string };
  refundable: boolean;
  test: boolean;
};
export type Refund = { id: string; payment_id: string; status: 'pending' | 'succeeded' | 'canceled'; created_at: string; amount: Amount };

/** `type: error` with YooKassa's codes. */
class ApiError extends Error {
  readonly status: number;
  readonly body: object;

  constructor(status: number, code: string, description: string, parameter?: string) {
    super(description);
    this.status = status;
    this.body = { type: 'error', id: randomUUID(), code, description, ...(parameter === undefined ? {} : { parameter }) };
  }
}

export type YooKassaOptions = { readonly port?: number; readonly shopId?: string; readonly secretKey?: string; readonly now?: () => number; readonly notificationRetryMs?: readonly number[] };

export type YooKassa = SimulatedServer & {
  readonly shopId: string;
  readonly secretKey: string;
  readonly payments: ReadonlyMap<string, Payment>;
  readonly refunds: ReadonlyMap<string, Refund>;
  /** Where notifications go, as set in the shop's account. Null: nowhere, as if all were lost. */
  notifyAt(url: string | null): void;
  /** The customer pays, or gives up, on the page of `confirmation_url`. */
  pay(paymentId: string): Payment;
  giveUp(paymentId: string): Payment;
  /** From now on refunds stay `pending` until they are finished. */
  refundSlowly(slowly: boolean): void;
  finishRefund(refundId: string, status: 'succeeded' | 'canceled'): void;
  /** Sends a notification once more, with the payment as it is or as it was. */
  notifyAgain(event: string, object: object): Promise<number>;
  settled(): Promise<void>;
  /** Money that was taken and not given back, by payment id. */
  kept(): number;
};

export const createYooKassa = async (options: YooKassaOptions = {}): Promise<YooKassa> => {
  const { shopId = '100500', secretKey = 'test_secret_key_of_the_demo', now = Date.now } = options;
  const payments = new Map<string, Payment>();
  const refunds = new Map<string, Refund>();
  const notifier = createNotifier(options.notificationRetryMs ?? [500, 2_000, 10_000]);
  const credentials = `Basic ${Buffer.from(`${shopId}:${secretKey}`).toString('base64')}`;
  let refundsAreSlow = false;
  const time = () => new Date(now()).toISOString();

  const finishRefund = (refund: Refund, status: Refund['status']): void => {
    refund.status = status;
    const payment = payments.get(refund.payment_id);
    if (status !== 'succeeded' || !payment) return;
    payment.refunded_amount = { value: (Number(payment.refunded_amount?.value ?? 0) + Number(refund.amount.value)).toFixed(2), currency: refund.amount.currency };
    payment.refundable = false;
    notifier.tell('refund.succeeded', refund);
  };
  const paymentOf = (id: string): Payment => {
    const payment = payments.get(id);
    if (!payment) throw new ApiError(404, 'not_found', "Payment doesn't exist or access denied", 'payment_id');
    return payment;
  };

  const routes = (app: FastifyInstance): void => {
    const once = createIdempotence(now);
    app.post('/v3/payments', (request) =>
      once(request.headers['idempotence-key'], request.url, request.body, () => {
        const input = parse(paymentInput, request.body);
        if (Number(input.amount.value) <= 0) throw new ApiError(400, 'invalid_request', 'Amount is too small', 'amount.value');
        const id = randomUUID();
        const payment: Payment = {
          id, status: 'pending', paid: false, amount: input.amount, confirmation: { type: 'redirect', confirmation_url: `${server.url}/checkout?orderId=${id}` }, created_at: time(), description: input.description, metadata: input.metadata,
          recipient: { account_id: shopId, gateway_id: '1' }, refundable: false, test: true,
        };
        payments.set(id, payment);
        return payment;
      }),
    );
    app.get('/checkout', (request, reply) => {
      const { id, amount: { value, currency } } = paymentOf((request.query as { orderId?: string }).orderId ?? '');
      return reply.type('text/html').send(`<!doctype html><title>Payment</title><form action="/checkout/paid"><input type="hidden" name="orderId" value="${id}"><button>Pay ${value} ${currency}</button></form>`);
    });
    app.get('/checkout/paid', (request, reply) => {
      pay((request.query as { orderId?: string }).orderId ?? '');
      return reply.type('text/html').send('<!doctype html><title>Paid</title><p>Paid. You can close this page.</p>');
    });
    app.get('/v3/payments/:id', (request) => paymentOf((request.params as { id: string }).id));
    app.post('/v3/payments/:id/cancel', (request) => {
      const payment = paymentOf((request.params as { id: string }).id);
      if (payment.status !== 'waiting_for_capture') throw new ApiError(400, 'invalid_request', `Incorrect payment status for cancel: ${payment.status}`);
      return cancel(payment, 'merchant', 'canceled_by_merchant');
    });
    app.post('/v3/refunds', (request) =>
      once(request.headers['idempotence-key'], request.url, request.body, () => {
        const input = parse(refundInput, request.body);
        const payment = paymentOf(input.payment_id);
        const left = Number(payment.amount.value) - Number(payment.refunded_amount?.value ?? 0);
        if (payment.status !== 'succeeded' || input.amount.currency !== payment.amount.currency || Number(input.amount.value) > left + 1e-9) throw new ApiError(400, 'invalid_request', 'The payment cannot be refunded by this amount', 'amount.value');
        const refund: Refund = { id: randomUUID(), payment_id: payment.id, status: 'pending', created_at: time(), amount: input.amount };
        refunds.set(refund.id, refund);
        if (!refundsAreSlow) finishRefund(refund, 'succeeded');
        return refund;
      }),
    );
    app.get('/v3/refunds', (request) => {
      const { payment_id: paymentId, limit } = parse(refundsQuery, request.query);
      const items = [...refunds.values()].filter((refund) => paymentId === undefined || refund.payment_id === paymentId).reverse();
      return { type: 'list', items: items.slice(0, limit) };
    });
    app.get('/v3/refunds/:id', (request) => {
      const refund = refunds.get((request.params as { id: string }).id);
      if (!refund) throw new ApiError(404, 'not_found', "Refund doesn't exist or access denied", 'refund_id');
      return refund;
    });
  };
  const cancel = (payment: Payment, party: string, reason: string): Payment => {
    payment.status = 'canceled';
    payment.cancellation_details = { party, reason };
    notifier.tell('payment.canceled', payment);
    return payment;
  };
  const pay = (id: string): Payment => {
    const payment = paymentOf(id);
    if (payment.status !== 'pending') return payment;
    Object.assign(payment, { status: 'succeeded', paid: true, refundable: true, captured_at: time() });
    notifier.tell('payment.succeeded', payment);
    return payment;
  };
  const server = await createSimulatedServer({
    port: options.port,
    routes,
    admit(request, reply) {
      // The page that the customer is sent to.
      if (request.url.startsWith('/checkout') || request.headers.authorization === credentials) return true;
      void reply.code(401).send(new ApiError(401, 'invalid_credentials', 'Authentication by given credentials failed').body);
      return false;
    },
    describe: (error) => (error instanceof ApiError ? { status: error.status, body: error.body } : { status: 400, body: new ApiError(400, 'invalid_request', 'Request cannot be read').body }),
  });
  return {
    ...server,
    url: `${server.url}/v3`,
    shopId,
    secretKey,
    payments,
    refunds,
    notifyAt: notifier.setTarget,
    pay,
    giveUp: (id) => (paymentOf(id).status === 'pending' ? cancel(paymentOf(id), 'yoo_money', 'expired_on_confirmation') : paymentOf(id)),
    refundSlowly(slowly) {
      refundsAreSlow = slowly;
    },
    finishRefund(id, status) {
      const refund = refunds.get(id);
      if (refund) finishRefund(refund, status);
    },
    notifyAgain: notifier.post,
    settled: notifier.settled,
    kept: () => [...payments.values()].reduce((sum, { status, amount: { value }, refunded_amount }) => (status === 'succeeded' ? sum + Number(value) - Number(refunded_amount?.value ?? 0) : sum), 0),
    async [Symbol.asyncDispose]() {
      await notifier.close();
      await server[Symbol.asyncDispose]();
    },
  };
};

const parse = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiError(400, 'invalid_request', issue?.message ?? 'Request is not valid', issue?.path.join('.'));
};

const keysLastMs = 24 * 3_600_000;

/** `Idempotence-Key`, up to 64 characters: asked again the same within a day, YooKassa answers with the same object; another request under the key is refused. */
const createIdempotence = (now: () => number) => {
  const answers = new Map<string, { readonly body: string; readonly answer: object; readonly at: number }>();
  return (key: string | string[] | undefined, url: string, body: unknown, make: () => object): object => {
    if (typeof key !== 'string' || key.length === 0 || key.length > 64) throw new ApiError(400, 'invalid_request', 'Idempotence key is required, up to 64 characters', 'Idempotence-Key');
    const asked = `${url} ${JSON.stringify(body)}`;
    const last = answers.get(key);
    const known = last && now() - last.at < keysLastMs ? last : undefined;
    if (known && known.body !== asked) throw new ApiError(400, 'invalid_request', 'Idempotence key duplicated', 'Idempotence-Key');
    const answer = known?.answer ?? make();
    answers.set(key, { body: asked, answer, at: known?.at ?? now() });
    return answer;
  };
};

const createNotifier = (retryAfterMs: readonly number[]) => {
  const agent = new Agent({ connections: 2, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  let target: string | null = null;
  /** The status that was answered; 0 for none. */
  const post = async (event: string, object: object): Promise<number> => {
    if (target === null) return 0;
    try {
      const response = await send(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ type: 'notification', event, object }), dispatcher: agent, signal: closing.signal });
      await response.body.dump();
      return response.statusCode;
    } catch {
      return 0;
    }
  };
  return {
    post,
    setTarget(url: string | null): void {
      target = url;
    },
    tell(event: string, object: object): void {
      const told = structuredClone(object);
      const work = (async () => {
        for (const wait of [0, ...retryAfterMs]) {
          if (wait > 0) await waitUnless(closing.signal, wait);
          if (target === null || closing.signal.aborted || (await post(event, told)) === 200) return;
        }
      })();
      running.add(work);
      void work.finally(() => running.delete(work));
    },
    async settled(): Promise<void> {
      await Promise.all(running);
    },
    async close(): Promise<void> {
      closing.abort();
      await Promise.all(running);
      await agent.destroy();
    },
  };
};

/**
 * Typed client of YooKassa's API v3 (https://yookassa.ru/developers/api): one shop, HTTP Basic authentication with its id
 * and secret key. A request that is sent again under its `Idempotence-Key` is answered with the same object for 24 hours.
 */
import { z } from 'zod';
import { UpstreamError } from '#core/errors.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';

const money = z.object({ value: z.string().regex(/^\d{1,12}\.\d{2}$/), currency: z.string() });
export const payment = z.object({
  id: z.string().min(1).max(100),
  status: z.enum(['pending', 'waiting_for_capture', 'succeeded', 'canceled']),
  paid: z.boolean(),
  amount: money,
  confirmation: z.object({ confirmation_url: z.url({ protocol: /^https?$/ }).optional() }).optional(),
  metadata: z.record(z.string(), z.string()).default({}),
});
export type Payment = z.infer<typeof payment>;
export const refund = z.object({ id: z.string().min(1).max(100), payment_id: z.string(), status: z.enum(['pending', 'succeeded', 'canceled']), amount: money });
export type Refund = z.infer<typeof refund>;
const refunds = z.object({ items: z.array(refund) });
/** Not signed, so nothing of it is believed but which payment to look up. */
export const notification = z.object({ type: z.literal('notification'), event: z.string().max(100), object: z.object({ id: z.string().regex(/^[\w-]{1,100}$/), payment_id: z.string().regex(/^[\w-]{1,100}$/).optional() }) });

const fault = z.object({ type: z.literal('error'), code: z.string(), description: z.string().default('') });

export type PaymentsClientOptions = { readonly http: UpstreamHttp; readonly api: string; readonly shopId: string; readonly secretKey: string; readonly returnUrl: string; readonly signal: AbortSignal };
export type NewPayment = { readonly key: string; readonly amount: string; readonly currency: string; readonly description: string; readonly metadata: Readonly<Record<string, string>> };
export type PaymentAnswer = { readonly ok: true; readonly payment: Payment } | { readonly ok: false; readonly code: string; readonly message: string };

export type PaymentsClient = ReturnType<typeof createPaymentsClient>;

export const createPaymentsClient = ({ http, api, shopId, secretKey, returnUrl, signal }: PaymentsClientOptions) => {
  const root = api.replace(/\/+$/, '');
  const headers = { authorization: `Basic ${Buffer.from(`${shopId}:${secretKey}`).toString('base64')}` };
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
    const answer = await http.request({ url: `${root}/${path}`, headers, accept: [404], signal });
    return answer.status === 404 ? null : parse(schema, answer.json, path);
  };
  return {
    /** Two decimals, as YooKassa wants them. Refused where YooKassa says that the request itself is wrong. */
    async create({ key, amount, currency, description, metadata }: NewPayment): Promise<PaymentAnswer> {
      const body = { amount: { value: amount, currency }, capture: true, confirmation: { type: 'redirect', return_url: returnUrl }, description, metadata };
      const answer = await http.request({ method: 'POST', url: `${root}/payments`, headers: { ...headers, 'idempotence-key': key }, body, accept: [400], signal });
      if (answer.status < 300) return { ok: true, payment: parse(payment, answer.json, 'payments') };
      const { code, description: message } = parse(fault, answer.json, 'payments');
      return { ok: false, code, message };
    },
    /** Null for one that is not of this shop. */
    payment: (id: string) => get(`payments/${encodeURIComponent(id)}`, payment),
    refundOf: (id: string) => get(`refunds/${encodeURIComponent(id)}`, refund),
    /** Newest first. Nobody refunds one payment more than a hundred times. */
    async refundsOf(paymentId: string): Promise<readonly Refund[]> {
      const { json } = await http.request({ url: `${root}/refunds?payment_id=${encodeURIComponent(paymentId)}&limit=100`, headers, signal });
      return parse(refunds, json, 'refunds').items;
    },
    /** Null where YooKassa refuses it. */
    async refund(key: string, paymentId: string, amount: string, currency: string): Promise<Refund | null> {
      const answer = await http.request({ method: 'POST', url: `${root}/refunds`, headers: { ...headers, 'idempotence-key': key }, body: { payment_id: paymentId, amount: { value: amount, currency } }, accept: [400], signal });
      return answer.status < 300 ? parse(refund, answer.json, 'refunds') : null;
    },
  };
};

const parse = <T>(schema: z.ZodType<T>, json: unknown, path: string): T => {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  throw new UpstreamError('shape', 'YooKassa answered something that it does not document.', { path });
};

/**
 * Typed client of the gate system's API, and the shapes that it documents.
 *
 * Lists are taken item by item (`unknown[]`), so that one bad item never costs the others. Totals are taken as any
 * number: whether they are plausible is decided where they become facts.
 */
import { z } from 'zod';
import type { ConnectorContext } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { explain } from '#core/explain.ts';
import { eventId, timezone } from '#core/facts.ts';
import { signedIn } from '#core/upstream-credentials.ts';

const id = z.string().min(1).max(200);
const text = z.string().min(1).max(1000);
/** ISO 8601 with a zone, to a Date. */
const moment = z.iso.datetime({ offset: true }).transform((value) => new Date(value));

export const settingsSchema = z.object({
  eventId,
  /** For gate systems that do not tell it. */
  timezone: timezone.nullish(),
});
export type GatekeeperSettings = z.infer<typeof settingsSchema>;

const period = z.object({ start: moment, end: moment }).refine(({ start, end }) => start <= end, 'the end is before the start');

export const eventDetails = z.object({
  eventId,
  eventName: text,
  type: text.nullish(),
  organizer: z.object({ organization: text }).nullish(),
  period,
  timezone: timezone.nullish(),
  region: text.nullish(),
  venue: z.object({ name: text.nullish(), address: text.nullish(), latitude: z.number().min(-90).max(90).nullish(), longitude: z.number().min(-180).max(180).nullish() }).nullish(),
  public: z.boolean().default(false),
});
export type EventDetails = z.infer<typeof eventDetails>;

export const gateItem = z.object({ id, name: text.nullish(), status: z.enum(['open', 'closed', 'failed']), throughput: z.number().min(0).max(100_000) });
export const checkInItem = z.object({ id, badgeId: id, gateId: id.nullish(), direction: z.enum(['entry', 'exit']).default('entry'), at: moment });
export const total = z.number().int().min(0).max(10_000_000);
export const eventStatus = z.enum(['pre-event', 'ongoing', 'ended']);

const sequence = z.number().int().min(0);
const statement = z.object({
  participants: z.object({ total: z.number() }),
  attendance: z.object({ current: z.number() }),
  gates: z.array(z.unknown()),
  /** When it was said, on the gate system's clock. */
  timestamp: moment.nullish(),
  status: z.unknown().optional(),
  event: z.unknown().optional(),
  /** Names the log that `sequence` counts in. */
  log: z.string().max(200).nullish(),
  /** How far `checkIns` reaches; absent where the gate system has no log to ask on from. */
  sequence: sequence.nullish(),
  /** There is more after `sequence`. */
  more: z.boolean().default(false),
  /** Absent where the gate system only counts. */
  checkIns: z.array(z.unknown()).nullish(),
});
export type Statement = z.infer<typeof statement>;

export const pushBody = z.object({
  event: z.string().max(100),
  eventId,
  /** Of the last change in it. */
  sequence: sequence.nullish(),
  timestamp: moment.nullish(),
  eventPeriod: period.nullish(),
  data: z.object({ checkIns: z.array(z.unknown()).max(20_000).nullish(), gates: z.array(z.unknown()).max(10_000).nullish(), status: z.unknown().optional(), at: moment.nullish() }),
});
export type PushBody = z.infer<typeof pushBody>;

export type GatekeeperUpstream = {
  health(): Promise<unknown>;
  exchangeKeys(webhookUrl: string, secret: string): Promise<void>;
  initial(): Promise<Statement>;
  /** With `since`, also the check-ins after that sequence, a page at a time. */
  realtime(since?: number): Promise<Statement>;
  /** As it came. */
  rawRealtime(): Promise<unknown>;
};

/** MISSION S1: a service is well when its health check says so within ten seconds. */
const healthTimeoutMs = 10_000;

export const connectUpstream = (context: Pick<ConnectorContext<GatekeeperSettings>, 'service' | 'http' | 'httpFor' | 'signal' | 'now'>): GatekeeperUpstream => {
  const { service, signal } = context;
  const http = signedIn(context);
  const at = (path: string) => `${service.endpoints.api.replace(/\/+$/, '')}/${path}`;
  const get = async (path: string) => (await http.request({ url: at(path), signal })).json;
  return {
    async health() {
      const deadline = AbortSignal.timeout(healthTimeoutMs);
      const call = http.request({ url: service.endpoints.healthCheck, signal: AbortSignal.any([deadline, signal]) });
      // The call is tried again where it fails fast; all tries together have these ten seconds.
      return (await Promise.race([call, rejectAt(deadline)])).json;
    },
    async exchangeKeys(webhookUrl, secret) {
      await http.request({ method: 'POST', url: at('keys/exchange'), body: { webhookUrl, secret }, signal });
    },
    initial: async () => parse(statement, await get('sync/initial'), 'sync/initial'),
    realtime: async (since) => parse(statement, await get(since === undefined ? 'analytics/realtime' : `analytics/realtime?since=${since}`), 'analytics/realtime'),
    rawRealtime: () => get('analytics/realtime'),
  };
};

const rejectAt = (deadline: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    deadline.addEventListener('abort', () => reject(new UpstreamError('timeout', `The health check did not answer within ${healthTimeoutMs} ms.`, { timeoutMs: healthTimeoutMs })), { once: true });
  });

/** Parses an answer, or says which field of it is not as documented. */
export const parse = <T>(schema: z.ZodType<T>, value: unknown, path: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UpstreamError('shape', `The answer of ${path} is not as documented: ${explain(parsed.error)}.`, { path, field: parsed.error.issues[0]?.path.join('.') ?? '' });
};

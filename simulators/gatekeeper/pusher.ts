/**
 * Pushes what happens at one event to the webhook that was exchanged: in the log's order, several changes of one kind
 * in one push, signed, each until it is accepted or was tried often enough. A push whose answer is lost is sent again,
 * so the receiver gets everything at least once. The log is the queue: nothing piles up here.
 */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'undici';
import { waitUnless } from '#simulators/wait-unless.ts';
import { tellCheckIn, tellGate, tellPeriod } from './answers.ts';
import type { ScenarioClock } from './clock.ts';
import type { Knobs } from './faults.ts';
import type { GateSystem, LogEntry } from './gate-system.ts';

export type Target = { readonly webhookUrl: string; readonly secret: string };

export type PusherOptions = {
  readonly system: () => GateSystem;
  readonly knobs: () => Knobs;
  readonly clock: ScenarioClock;
  /** First and longest wait before a push is tried again, in milliseconds, and how often it is tried at all. */
  readonly retry?: { readonly firstMs: number; readonly longestMs: number; readonly attempts: number };
};

export type Pusher = {
  readonly target: Target | undefined;
  /** From now on, what happens is pushed to `target`. What happened before is for the initial sync. */
  setTarget(target: Target): void;
  /** Something was appended to the log. */
  wake(): void;
  /** The log was forgotten: starts at its beginning. */
  restart(): void;
  /** Resolves when everything in the log was pushed or given up. */
  settled(): Promise<void>;
  counts(): { readonly accepted: number; readonly failed: number; readonly givenUp: number };
  close(): Promise<void>;
};

/** The most changes in one push. */
const batchSize = 500;

export const sign = (secret: string, timestamp: string, body: string): string => `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

/** The first entries that go into one push together: of one kind, in order. */
export const nextBatch = (entries: readonly LogEntry[]): readonly LogEntry[] => {
  const end = entries.findIndex((entry) => entry.kind !== entries[0]?.kind);
  return end === -1 ? entries : entries.slice(0, end);
};

export const createPusher = ({ system, knobs, clock, retry = { firstMs: 250, longestMs: 30_000, attempts: 10 } }: PusherOptions): Pusher => {
  const agent = new Agent({ connections: 1, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const closing = new AbortController();
  const counts = { accepted: 0, failed: 0, givenUp: 0 };
  let target: Target | undefined;
  let pushed = 0;
  let running: Promise<void> | undefined;

  const post = async (body: string, { webhookUrl, secret }: Target): Promise<boolean> => {
    const timestamp = String(Math.floor((clock.wall.now() + knobs().clockOffsetMs) / 1000));
    const signature = sign(knobs().forgedSignature ? `${secret}, says somebody` : secret, timestamp, body);
    try {
      const response = await request(webhookUrl, {
        method: 'POST', body, dispatcher: agent, signal: closing.signal,
        headers: { 'content-type': 'application/json', 'x-webhook-timestamp': timestamp, 'x-webhook-signature': signature },
      });
      await response.body.dump();
      return response.statusCode < 300;
    } catch {
      return false;
    }
  };
  const deliver = async (body: string, to: Target): Promise<void> => {
    for (let attempt = 1; !closing.signal.aborted; attempt += 1) {
      if (await post(body, to)) {
        counts.accepted += 1;
        return;
      }
      counts.failed += 1;
      if (attempt >= retry.attempts) {
        counts.givenUp += 1;
        return;
      }
      await waitUnless(closing.signal, Math.min(retry.longestMs, retry.firstMs * 2 ** (attempt - 1)));
    }
  };
  const run = async (): Promise<void> => {
    while (target && !closing.signal.aborted && pushed < system().sequence) {
      const batch = nextBatch(system().after(pushed, batchSize));
      const body = JSON.stringify(tellPush(batch, system(), clock, knobs()));
      const until = batch.at(-1)?.sequence ?? system().sequence;
      const log = system().logId;
      for (let times = knobs().silent ? 0 : knobs().doublePushes ? 2 : 1; times > 0; times -= 1) await deliver(body, target);
      if (system().logId === log) pushed = Math.max(pushed, until);
    }
  };
  const wake = (): void => {
    running ??= run().finally(() => {
      running = undefined;
      if (target && !closing.signal.aborted && pushed < system().sequence) wake();
    });
  };

  return {
    get target() {
      return target;
    },
    setTarget(next) {
      if (!target) pushed = system().sequence;
      target = next;
      wake();
    },
    wake,
    restart() {
      pushed = 0;
    },
    async settled() {
      while (running) await running;
    },
    counts: () => ({ ...counts }),
    async close() {
      closing.abort();
      await running;
      await agent.destroy();
    },
  };
};

/** The body of one push. `sequence` is that of its last change. */
const tellPush = (batch: readonly LogEntry[], system: GateSystem, clock: ScenarioClock, knobs: Knobs) => {
  const last = batch.at(-1);
  const about = { eventId: system.details.eventId, log: system.logId, sequence: last?.sequence ?? system.sequence, timestamp: new Date(clock.stamp(clock.now()) + knobs.clockOffsetMs).toISOString(), eventPeriod: tellPeriod(system, clock) };
  const touched = new Set(batch.flatMap((entry) => (entry.kind === 'status' ? [] : [entry.gateId])));
  const gates = system.gates().filter(({ id }) => touched.has(id)).map(tellGate);
  if (last?.kind === 'status') return { event: 'event_status_change', ...about, data: { status: last.status, at: new Date(last.at + knobs.clockOffsetMs).toISOString() } };
  if (last?.kind === 'gate') return { event: 'gate_status', ...about, data: { gates } };
  if (knobs.countOnly) return { event: 'attendance_checkin', ...about, data: { current: system.current } };
  return { event: 'attendance_checkin', ...about, data: { checkIns: batch.flatMap((entry) => (entry.kind === 'checkIn' ? [tellCheckIn(entry, knobs)] : [])), gates } };
};

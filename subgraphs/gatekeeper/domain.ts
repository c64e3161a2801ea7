/**
 * Glossary
 * - gate system: the upstream, which runs the gates of events; one registered service is one event in it.
 * - gate: a place where badges are scanned; it is open, closed or has failed.
 * - throughput: check-ins per minute at a gate, as the gate system measures it.
 * - statement: what the gate system says at one moment of its own clock, in an answer or in a push.
 * - sequence: number of the last change that a statement knows; it grows by one with every change of the event's log.
 */
import type { GateStatus } from '#core/facts.ts';

export type Period = { readonly start: Date; readonly end: Date };

/** A gate as the hub knows it; `at` is when the gate system last said so. */
export type GateState = { readonly eventId: string; readonly gateId: string; readonly name: string; readonly status: GateStatus; readonly throughput: number; readonly at: Date };

const day = 86_400_000;
/** How far ahead of the hub's clock an upstream's may be: any zone mixed up with UTC is less. */
export const aheadMs = day;
/** How long before the start and after the end somebody may pass a gate: set-up, and badges handed out early. */
export const aroundMs = 30 * day;

/**
 * Why a moment that the gate system tells cannot be true; null where it can. A clock that is a year off in either
 * direction is found, as the event's period was agreed on before and does not come from that clock.
 */
export const implausibleMoment = (at: Date, period: Period, now: Date): string | null => {
  if (at.getTime() > now.getTime() + aheadMs) return `the time ${at.toISOString()} is more than 24 hours ahead of the hub's clock`;
  if (at.getTime() < period.start.getTime() - aroundMs) return `the time ${at.toISOString()} is more than 30 days before the event's start`;
  if (at.getTime() > period.end.getTime() + aroundMs) return `the time ${at.toISOString()} is more than 30 days after the event's end`;
  return null;
};

/** States compete by their time: one from a clock that is a little ahead must not win over all that follow. */
export const notAfter = (at: Date, now: Date): Date => (at > now ? now : at);

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

/**
 * What the gate system is given to run: events and, for each, everything that will happen, in order.
 *
 * Glossary
 * - plan: one event with its changes.
 * - change: one thing that happens at a moment of scenario time: a badge passes a gate, a gate changes, the event does.
 * - badge: what a participant shows at a gate. It never names a person here, and the hub stores only its hash.
 */

export type Direction = 'entry' | 'exit';
export type GateStatus = 'open' | 'closed' | 'failed';
export type EventStatus = 'pre-event' | 'ongoing' | 'ended';

export type CheckInChange = { readonly kind: 'checkIn'; readonly at: number; readonly id: string; readonly badgeId: string; readonly gateId: string; readonly direction: Direction };
export type GateChange = { readonly kind: 'gate'; readonly at: number; readonly gateId: string; readonly status: GateStatus };
export type StatusChange = { readonly kind: 'status'; readonly at: number; readonly status: EventStatus };
/** `at` is scenario time, in milliseconds since 1970. */
export type Change = CheckInChange | GateChange | StatusChange;

export type EventDetails = {
  readonly eventId: string;
  readonly eventName: string;
  readonly type: string;
  readonly organizer: { readonly organization: string; readonly contact: string };
  /** Scenario time. */
  readonly period: { readonly start: number; readonly end: number };
  /** IANA zone; null for a gate system that does not tell it. */
  readonly timezone: string | null;
  readonly region: string;
  readonly venue: { readonly name: string; readonly address: string; readonly latitude: number; readonly longitude: number } | null;
  readonly public: boolean;
  readonly registered: number;
  readonly gates: readonly { readonly id: string; readonly name: string }[];
};

export type EventPlan = EventDetails & {
  /** Ascending by `at`. */
  readonly changes: readonly Change[];
};

/**
 * Domain events: what happened in the hub, in its own words. A closed map from type to payload, so that a typo does
 * not compile. Payloads are JSON: they are stored in the event log and sent to webhooks.
 */
import type { Direction, EventStatus, GateStatus } from './facts.ts';

export type GateActivity = { gateId: string; name: string; status: GateStatus; throughput: number };

/** The live value of an event, as it was at `updatedAt` (ISO 8601). `isRetired`: its service was removed, so that it is the last; never in the log. */
export type AttendanceSnapshot = { totalRegistered: number; currentAttendees: number; gateActivity: GateActivity[]; updatedAt: string; isRetired?: true };

export type ServiceHealth = 'HEALTHY' | 'DEGRADED' | 'DOWN';

/** Money is exact: a decimal as text, such as `1990.50`, and an ISO 4217 code; below zero for money that went back. `at` is ISO 8601. */
export type Purchase = { purchaseId: string; source: 'activity' | 'ticketing'; orderId: string | null; participant: string | null; amount: string; currency: string; at: string };

export type DomainEventPayloads = {
  'attendance.changed': AttendanceSnapshot;
  'checkin.recorded': { checkInId: string; at: string; direction: Direction; gateId: string | null; participant: string };
  'event.status_changed': { from: EventStatus | null; to: EventStatus };
  'service.registered': { name: string; product: string; by: string | null };
  /** `changed` names what was set anew, such as `credentials`; never the values. */
  'service.updated': { name: string; product: string; by: string | null; changed: string[] };
  'service.paused': { name: string; by: string | null };
  'service.resumed': { name: string; by: string | null };
  'service.removed': { name: string; product: string; by: string | null; withData: boolean; forced: boolean };
  /** An event became part of a programme, and its region that of the programme. */
  'programme.event_added': { programmeId: string; name: string; region: string; by: string | null };
  'service.sync_requested': { name: string; by: string | null; full: boolean };
  'service.push_secret_rotated': { name: string; by: string | null };
  /** Rejected records are tried again: `records` is how many were named, null for all. */
  'service.retry_requested': { name: string; by: string | null; records: number | null };
  /** Its service was removed: nothing more will be told of it. */
  'event.removed': { withData: boolean };
  /** Somebody paid, or was paid back. `purchaseId` is the hub's own, once a purchase; `participant` a keyed hash. */
  'purchase.recorded': Purchase;
  'service.health_changed': { from: ServiceHealth; to: ServiceHealth; error: { code: string; message: string } | null };
};

export type DomainEventType = keyof DomainEventPayloads;

/** An event that is about to be appended. `eventId` is null for what concerns a service as a whole. */
export type NewDomainEvent<T extends DomainEventType = DomainEventType> = {
  [K in T]: { readonly type: K; readonly eventId: string | null; readonly occurredAt: Date; readonly payload: DomainEventPayloads[K] };
}[T];

/** An event of the log. */
export type DomainEvent<T extends DomainEventType = DomainEventType> = NewDomainEvent<T> & {
  readonly id: string;
  readonly serviceId: string | null;
  /** Where it stands in the log; see event-log.ts. */
  readonly cursor: string;
};

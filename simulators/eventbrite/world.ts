/**
 * The simulated organization's state and what may happen to it. No HTTP here. Only what the hub's connector can see is
 * simulated: no questions, discounts, seats, fees or taxes.
 *
 * Everything is written at once and read late: see replicas.ts.
 */
import type { Random } from '#simulators/gatekeeper/random.ts';
import type { EventPlan, OrganizationPlan } from './plans.ts';
import { type LagOptions, type Replicas, createReplicas } from './replicas.ts';

export type Barcode = { readonly barcode: string; readonly status: 'unused' | 'used' | 'refunded'; readonly created: string; readonly changed: string };
export type AttendeeStatus = 'Attending' | 'Checked In' | 'Not Attending' | 'Unpaid' | 'Deleted' | 'Transferred';

/** One sold ticket, as it is since its last change. Never changed: a change makes another one. */
export type Attendee = {
  readonly id: string;
  readonly eventId: string;
  readonly orderId: string;
  readonly ticketClassId: string;
  readonly created: string;
  readonly changed: string;
  readonly status: AttendeeStatus;
  readonly cancelled: boolean;
  readonly refunded: boolean;
  readonly barcodes: readonly Barcode[];
  readonly name: string;
};

export type TicketClass = { readonly id: string; readonly name: string; readonly cost: number | null; readonly total: number; readonly hidden: boolean };

export type SimulatedEvent = { readonly plan: EventPlan; readonly changed: string; readonly canceled: boolean; readonly ticketClasses: readonly TicketClass[] };

/** What Eventbrite tells its webhooks about: `path` is that of the object, below `/v3`. */
export type Happening = { readonly action: string; readonly path: string; readonly eventId: string };

export type WorldOptions = { readonly plan: OrganizationPlan; readonly now: () => number; readonly random: Random; readonly lag: LagOptions; readonly happened: (happening: Happening) => void };

export type World = ReturnType<typeof createWorld>;

export const createWorld = ({ plan, now, random, lag, happened }: WorldOptions) => {
  let ids = 2_360_209_000;
  const nextId = (): string => String((ids += 1));
  /** To the second, as Eventbrite stamps. */
  const stamp = (): string => `${new Date(now()).toISOString().slice(0, 19)}Z`;
  const attendees: Replicas<Attendee> = createReplicas({ now, random, lag });
  const events: Replicas<SimulatedEvent> = createReplicas({ now, random, lag });
  const classesOf = (each: EventPlan): TicketClass[] => each.ticketClasses.map((kind) => ({ id: nextId(), name: kind.name, cost: kind.cost, total: kind.total, hidden: kind.hidden ?? false }));
  const addEvent = (each: EventPlan): SimulatedEvent => {
    const event: SimulatedEvent = { plan: each, changed: stamp(), canceled: false, ticketClasses: classesOf(each) };
    events.write(each.id, event);
    happened({ action: 'event.created', path: `events/${each.id}/`, eventId: each.id });
    return event;
  };
  // What was there when the simulator began is there for every reader.
  for (const each of plan.events) events.writeEverywhere(each.id, { plan: each, changed: stamp(), canceled: false, ticketClasses: classesOf(each) });

  const eventOf = (id: string): SimulatedEvent => found(events.written(id), `event ${id}`);
  const attendeeOf = (id: string): Attendee => found(attendees.written(id), `attendee ${id}`);
  const tell = (action: string, { eventId, id }: Attendee): void => happened({ action, path: `events/${eventId}/attendees/${id}/`, eventId });
  /** Writes the attendee with what changed, now. Answers it. */
  const change = (id: string, changes: Partial<Attendee>, action: string): Attendee => {
    const attendee = { ...attendeeOf(id), ...changes, changed: stamp() };
    attendees.write(id, attendee);
    tell(action, attendee);
    return attendee;
  };
  const withBarcodes = (id: string, status: Barcode['status'], which: (barcode: Barcode, index: number) => boolean): readonly Barcode[] =>
    attendeeOf(id).barcodes.map((each, index) => (which(each, index) && each.status !== status ? { ...each, status, changed: stamp() } : each));
  const statusOf = (barcodes: readonly Barcode[]): AttendeeStatus => (barcodes.some(({ status }) => status === 'used') ? 'Checked In' : 'Attending');

  return {
    organization: plan,
    events,
    attendees,
    stamp,
    nextId,
    random,
    addEvent,
    /** Somebody places an order; answers its attendees, one for each ticket. */
    register(eventId: string, options: { readonly tickets?: number; readonly barcodes?: number; readonly unpaid?: boolean; readonly ticketClass?: number } = {}): readonly Attendee[] {
      const event = eventOf(eventId);
      const kind = found(event.ticketClasses[options.ticketClass ?? 0], 'ticket class');
      const [created, orderId] = [stamp(), nextId()];
      const sold = Array.from({ length: options.tickets ?? 1 }, (): Attendee => {
        const id = nextId();
        const barcodes = Array.from({ length: options.barcodes ?? 1 }, (_, index): Barcode => ({ barcode: `${orderId}${id}00${index + 1}`, status: 'unused', created, changed: created }));
        return { id, eventId, orderId, ticketClassId: kind.id, created, changed: created, status: options.unpaid ? 'Unpaid' : 'Attending', cancelled: false, refunded: false, barcodes, name: `Canary Person ${id}` };
      });
      for (const attendee of sold) attendees.write(attendee.id, attendee);
      happened({ action: 'order.placed', path: `orders/${orderId}/`, eventId });
      for (const attendee of sold) tell('attendee.updated', attendee);
      return sold;
    },
    pay: (id: string): Attendee => change(id, { status: 'Attending' }, 'attendee.updated'),
    checkIn(id: string, barcode = 0): Attendee {
      const barcodes = withBarcodes(id, 'used', ({ status }, index) => index === barcode && status === 'unused');
      return change(id, { barcodes, status: statusOf(barcodes) }, 'barcode.checked_in');
    },
    /** Eventbrite knows no exits: who is checked out was not checked in. */
    undoCheckIn(id: string, barcode = 0): Attendee {
      const barcodes = withBarcodes(id, 'unused', ({ status }, index) => index === barcode && status === 'used');
      return change(id, { barcodes, status: statusOf(barcodes) }, 'barcode.un_checked_in');
    },
    cancel: (id: string): Attendee => change(id, { cancelled: true, status: 'Not Attending' }, 'attendee.updated'),
    refund: (id: string): Attendee => change(id, { refunded: true, status: 'Not Attending', barcodes: withBarcodes(id, 'refunded', () => true) }, 'order.refunded'),
    /** The ticket is given up for one of another event. Answers the new one. */
    transfer(id: string, toEvent: string): Attendee {
      change(id, { cancelled: true, status: 'Transferred' }, 'attendee.updated');
      return found(this.register(toEvent)[0], 'attendee');
    },
    cancelEvent(eventId: string): void {
      events.write(eventId, { ...eventOf(eventId), canceled: true, changed: stamp() });
      happened({ action: 'event.updated', path: `events/${eventId}/`, eventId });
    },
    /** Attendees as they are, whatever readers see yet. */
    truth: (): readonly Attendee[] => attendees.all(),
  };
};

const found = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new RangeError(`Eventbrite has no such ${what}.`);
  return value;
};

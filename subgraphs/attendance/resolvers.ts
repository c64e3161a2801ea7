import type { AttendanceSnapshot, DomainEvent, DomainEventType } from '#core/domain-events.ts';
import { assertReached, assertRetained, decodeCursor, logHead, type Position, type Snapshot } from '#core/event-log.ts';
import { ForbiddenError, InputError } from '#core/errors.ts';
import { liveStream } from '#core/live-stream.ts';
import type { Connection } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { maySeeEvent, visibleEventIds } from '#core/viewer.ts';
import { attendanceRate, isStale, newestPerEvent } from './domain.ts';
import type { Resolvers, SubscriptionAttendanceChangedArgs } from './generated/types.ts';
import { type CheckInRow, type Live, type Loaders, type Point, currentChanges } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type EventParent = { readonly id: string };
export type AttendanceParent = Live;
export type AttendanceChangeParent = DomainEvent<'attendance.changed'>;
export type AttendancePointParent = Point;
export type CheckInParent = CheckInRow & { readonly cursor?: string };
export type CheckInConnectionParent = Connection<CheckInRow>;

type LiveArguments = Pick<SubscriptionAttendanceChangedArgs, 'eventIds' | 'after'>;

/** The events of a subscription: those asked for, all of which the viewer must be allowed to see, or all it may. */
const subscribedEvents = (args: LiveArguments, context: Context): ReadonlySet<string> | null => {
  const foreign = args.eventIds?.find((id) => !maySeeEvent(context.viewer, id));
  if (foreign !== undefined) throw new ForbiddenError('The key does not allow one of these events.', { field: 'eventIds' });
  const ids = visibleEventIds(context.viewer, args.eventIds);
  return ids && new Set(ids);
};

const resumePosition = async (args: LiveArguments, context: Context): Promise<Position | null> => {
  if (!args.after) return null;
  const position = decodeCursor(args.after);
  assertReached(position, await logHead(context.hub.database.em()));
  await assertRetained(context.hub.database.em(), position, context.hub.eventLogDays);
  return position;
};

/** For what has no current value: begins where the log ends now. */
const nothingYet = async (context: Context): Promise<{ events: never[]; snapshot: Snapshot }> => ({ events: [], snapshot: { position: await logHead(context.hub.database.em()), includes: () => false } });

const subscribeTo = async <T extends DomainEventType>(type: T, args: LiveArguments, context: Context, current: (ids: ReadonlySet<string> | null) => Promise<{ events: DomainEvent<T>[]; snapshot: Snapshot }>, conflate?: (events: DomainEvent<T>[]) => DomainEvent<T>[]) => {
  const eventIds = subscribedEvents(args, context);
  const after = await resumePosition(args, context);
  return liveStream({ tail: context.hub.tail, head: () => logHead(context.hub.database.em()), type, eventIds, after, current: () => current(eventIds), conflate });
};

const fromSnapshot = (payload: AttendanceSnapshot): Live => ({ ...payload, updatedAt: new Date(payload.updatedAt), isRetired: payload.isRetired ?? false });

/** What the log tells of attendance always names its event. */
const eventOf = ({ eventId }: { readonly eventId: string | null }): EventParent => ({ id: eventId ?? '' });

export const resolvers: Resolvers = {
  Event: {
    __resolveReference: ({ id }) => ({ id }),
    attendance: ({ id }, _args, context) => context.loaders.live.load(id),
    attendanceHistory({ id }, args, context) {
      if (args.every < 1) throw new InputError('STEP_INVALID', 'every', 'A step is at least 1 second.');
      return context.loaders.history(args, context.hub.now()).load(id);
    },
    checkIns: ({ id }, args, context) => context.loaders.checkIns(args).load(id),
  },
  Attendance: {
    attendanceRate,
    stale: (live, _args, context) => live.isRetired || isStale(live.updatedAt, context.hub.now()),
  },
  AttendancePoint: { attendanceRate },
  AttendanceChange: {
    event: eventOf,
    attendance: (change) => fromSnapshot(change.payload),
  },
  CheckIn: {
    event: eventOf,
  },
  CheckInConnection: { totalCount: (connection) => connection.totalCount() },
  Subscription: {
    // The events of the log themselves are what is published: the same objects for every subscriber, so that the
    // gateway can tell that they need the same answer.
    attendanceChanged: {
      subscribe: (_parent, args, context) =>
        subscribeTo('attendance.changed', args, context, (ids) => currentChanges(context.hub.database.em(), ids && [...ids]), newestPerEvent),
      resolve: (change: DomainEvent<'attendance.changed'>) => change,
    },
    checkInRecorded: {
      subscribe: (_parent, args, context) => subscribeTo('checkin.recorded', args, context, () => nothingYet(context)),
      resolve: ({ cursor, eventId, payload }: DomainEvent<'checkin.recorded'>) => ({ ...payload, id: payload.checkInId, at: new Date(payload.at), eventId: eventId ?? '', cursor }),
    },
    eventStatusChanged: {
      subscribe: (_parent, args, context) => subscribeTo('event.status_changed', args, context, () => nothingYet(context)),
      resolve: (change: DomainEvent<'event.status_changed'>) => eventOf(change),
    },
  },
};

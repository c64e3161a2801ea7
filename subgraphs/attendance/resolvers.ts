import type { AttendanceSnapshot, DomainEvent, DomainEventType } from '#core/domain-events.ts';
import { assertRetained, decodeCursor, logHead, type Position, type Snapshot } from '#core/event-log.ts';
import { ForbiddenError, InputError } from '#core/errors.ts';
import { liveStream } from '#core/live-stream.ts';
import type { PageArguments } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { maySeeEvent, visibleEventIds } from '#core/viewer.ts';
import { attendanceRate, isStale, newestPerEvent } from './domain.ts';
import { type CheckInRow, type HistoryArguments, type Live, type Loaders, currentChanges } from './store.ts';

type Context = SubgraphContext<Loaders>;
type EventReference = { readonly id: string };
type LiveArguments = { readonly eventIds?: readonly string[] | null; readonly after?: string | null };

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

const fromSnapshot = (payload: AttendanceSnapshot): Live => ({ ...payload, updatedAt: new Date(payload.updatedAt) });

export const resolvers = {
  Event: {
    __resolveReference: ({ id }: EventReference): EventReference => ({ id }),
    attendance: ({ id }: EventReference, _args: unknown, context: Context) => context.loaders.live.load(id),
    attendanceHistory({ id }: EventReference, args: HistoryArguments, context: Context) {
      if (args.every < 1) throw new InputError('STEP_INVALID', 'every', 'A step is at least 1 second.');
      return context.loaders.history(args, context.hub.now()).load(id);
    },
    checkIns: ({ id }: EventReference, args: PageArguments, context: Context) => context.loaders.checkIns(args).load(id),
  },
  Attendance: {
    attendanceRate,
    stale: (live: Live, _args: unknown, context: Context) => isStale(live.updatedAt, context.hub.now()),
  },
  AttendancePoint: { attendanceRate },
  AttendanceChange: {
    event: (change: DomainEvent<'attendance.changed'>) => ({ id: change.eventId }),
    attendance: (change: DomainEvent<'attendance.changed'>) => fromSnapshot(change.payload),
  },
  CheckIn: {
    event: (checkIn: CheckInRow) => ({ id: checkIn.eventId }),
  },
  CheckInConnection: { totalCount: (connection: { totalCount: () => Promise<number> }) => connection.totalCount() },
  Subscription: {
    // The events of the log themselves are what is published: the same objects for every subscriber, so that the
    // gateway can tell that they need the same answer.
    attendanceChanged: {
      subscribe: (_parent: unknown, args: LiveArguments, context: Context) =>
        subscribeTo('attendance.changed', args, context, (ids) => currentChanges(context.hub.database.em(), ids && [...ids]), newestPerEvent),
      resolve: (change: DomainEvent<'attendance.changed'>) => change,
    },
    checkInRecorded: {
      subscribe: (_parent: unknown, args: LiveArguments, context: Context) => subscribeTo('checkin.recorded', args, context, () => nothingYet(context)),
      resolve: ({ cursor, eventId, payload }: DomainEvent<'checkin.recorded'>) => ({ ...payload, id: payload.checkInId, at: new Date(payload.at), eventId, cursor }),
    },
    eventStatusChanged: {
      subscribe: (_parent: unknown, args: LiveArguments, context: Context) => subscribeTo('event.status_changed', args, context, () => nothingYet(context)),
      resolve: ({ eventId }: DomainEvent<'event.status_changed'>) => ({ id: eventId }),
    },
  },
};

/** Generated from schema.graphql by `npm run codegen`. Do not edit. */
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { EventParent, AttendanceParent, AttendanceChangeParent, AttendancePointParent, CheckInParent, CheckInConnectionParent, Context } from '../resolvers.ts';
export type Maybe<T> = T | null | undefined;
export type InputMaybe<T> = T | null | undefined;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** An instant, ISO 8601 in UTC. */
  DateTime: { input: Date; output: Date; }
  _FieldSet: { input: unknown; output: unknown; }
};

/** Who is at an event, as last known. */
export type Attendance = {
  /** Percent of the registered who are present, with one decimal: 234 of 500 is 46.8. 0 when nobody is registered. */
  readonly attendanceRate: Scalars['Float']['output'];
  /** Present now: entered, and not left since. */
  readonly currentAttendees: Scalars['Int']['output'];
  /** The gates as the service last told. */
  readonly gateActivity: ReadonlyArray<GateActivity>;
  /** Whether that was more than 300 seconds ago. */
  readonly stale: Scalars['Boolean']['output'];
  /** People or tickets registered, without cancelled ones. */
  readonly totalRegistered: Scalars['Int']['output'];
  /** When the service last confirmed these values. */
  readonly updatedAt: Scalars['DateTime']['output'];
};

/** A change of an event's attendance. */
export type AttendanceChange = {
  /** Its attendance as of this change. */
  readonly attendance: Attendance;
  /** Give this as `after` to resume behind this change, with no gap and no double. */
  readonly cursor: Scalars['String']['output'];
  /** The event. */
  readonly event: Event;
};

/** Attendance at one moment of the past. */
export type AttendancePoint = {
  /** When this was so. */
  readonly at: Scalars['DateTime']['output'];
  /** Percent of the registered who were present, with one decimal. */
  readonly attendanceRate: Scalars['Float']['output'];
  /** Present. */
  readonly currentAttendees: Scalars['Int']['output'];
  /** People or tickets registered. */
  readonly totalRegistered: Scalars['Int']['output'];
};

/** One person or ticket that passed in or out. */
export type CheckIn = {
  /** When it happened, by the service's clock. */
  readonly at: Scalars['DateTime']['output'];
  /** Give this as `after` to resume `checkInRecorded` behind this check-in. Null in lists, which are not live. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** In or out. */
  readonly direction: Direction;
  /** Where it happened. */
  readonly event: Event;
  /** The gate it happened at, where the service tells. */
  readonly gateId?: Maybe<Scalars['ID']['output']>;
  /** The service's own id of the check-in. */
  readonly id: Scalars['ID']['output'];
  /** Keyed hash of the person or ticket: equal for the same one at the same service, and nothing else. */
  readonly participant?: Maybe<Scalars['ID']['output']>;
};

/** A page of check-ins. */
export type CheckInConnection = {
  /** The check-ins with their cursors. */
  readonly edges: ReadonlyArray<CheckInEdge>;
  /** Where the page lies in the list. */
  readonly pageInfo: PageInfo;
  /** Check-ins in the whole list. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A check-in in a page. */
export type CheckInEdge = {
  /** Give this as `after` to go on behind this check-in. */
  readonly cursor: Scalars['String']['output'];
  /** The check-in. */
  readonly node: CheckIn;
};

/** Whether somebody came or went. */
export type Direction =
  /** Came in. */
  | 'ENTRY'
  /** Went out. */
  | 'EXIT';

/** An event of any service. */
export type Event = {
  /** How many are registered and present now; null before the service told anything. */
  readonly attendance?: Maybe<Attendance>;
  /** How attendance went over time: the last value of each step, oldest first, 1000 steps at most. */
  readonly attendanceHistory?: Maybe<ReadonlyArray<AttendancePoint>>;
  /** Check-ins and check-outs, newest first. */
  readonly checkIns?: Maybe<CheckInConnection>;
  /** Hub-wide event id, such as `tech-conference-2024`. */
  readonly id: Scalars['ID']['output'];
};


/** An event of any service. */
export type EventAttendanceHistoryArgs = {
  every: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** An event of any service. */
export type EventCheckInsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

/** A gate as the service last told. */
export type GateActivity = {
  /** The service's own id of the gate. */
  readonly gateId: Scalars['ID']['output'];
  /** Name of the gate. */
  readonly name: Scalars['String']['output'];
  /** State of the gate. */
  readonly status: GateStatus;
  /** Check-ins per minute, as the service measures it. */
  readonly throughput: Scalars['Float']['output'];
};

/** State of a gate. */
export type GateStatus =
  /** Closed on purpose. */
  | 'CLOSED'
  /** It does not work. */
  | 'FAILED'
  /** People pass. */
  | 'OPEN';

/** Where a page lies in its list (Relay). */
export type PageInfo = {
  /** Cursor of the last entry. */
  readonly endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether more entries follow. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** Whether entries come before. */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** Cursor of the first entry. */
  readonly startCursor?: Maybe<Scalars['String']['output']>;
};

export type Subscription = {
  /**
   * Attendance of events. First the current value of each, then every change; a reader that is slower than the changes
   * gets the newest of each event. With `after`, every change since that cursor instead of the current values.
   */
  readonly attendanceChanged: AttendanceChange;
  /** Every check-in as it is recorded; with `after`, every one since that cursor first. */
  readonly checkInRecorded: CheckIn;
  /** An event whose status changes: it begins, or it ends. */
  readonly eventStatusChanged: Event;
};


export type SubscriptionAttendanceChangedArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  eventIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
};


export type SubscriptionCheckInRecordedArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  eventIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
};


export type SubscriptionEventStatusChangedArgs = {
  eventIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
};



export type ResolverTypeWrapper<T> = Promise<T> | T;

export type ReferenceResolver<TResult, TReference, TContext> = (
      reference: TReference,
      context: TContext,
      info: GraphQLResolveInfo
    ) => Promise<TResult> | TResult;

      type ScalarCheck<T, S> = S extends true ? T : NullableCheck<T, S>;
      type NullableCheck<T, S> = Maybe<T> extends T ? Maybe<ListCheck<NonNullable<T>, S>> : ListCheck<T, S>;
      type ListCheck<T, S> = T extends (infer U)[] ? NullableCheck<U, S>[] : GraphQLRecursivePick<T, S>;
      export type GraphQLRecursivePick<T, S> = { [K in keyof T & keyof S]: ScalarCheck<T[K], S[K]> };
    

export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

/** Mapping of federation types */
export type FederationTypes = {
  Event: Event;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  Event:
    ( { __typename: 'Event' }
    & GraphQLRecursivePick<FederationTypes['Event'], {"id":true}> );
};



/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  Attendance: ResolverTypeWrapper<AttendanceParent>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  AttendanceChange: ResolverTypeWrapper<AttendanceChangeParent>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  AttendancePoint: ResolverTypeWrapper<AttendancePointParent>;
  CheckIn: ResolverTypeWrapper<CheckInParent>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  CheckInConnection: ResolverTypeWrapper<CheckInConnectionParent>;
  CheckInEdge: ResolverTypeWrapper<Omit<CheckInEdge, 'node'> & { node: ResolversTypes['CheckIn'] }>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Direction: Direction;
  Event: ResolverTypeWrapper<EventParent>;
  GateActivity: ResolverTypeWrapper<GateActivity>;
  GateStatus: GateStatus;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  Attendance: AttendanceParent;
  Float: Scalars['Float']['output'];
  Int: Scalars['Int']['output'];
  Boolean: Scalars['Boolean']['output'];
  AttendanceChange: AttendanceChangeParent;
  String: Scalars['String']['output'];
  AttendancePoint: AttendancePointParent;
  CheckIn: CheckInParent;
  ID: Scalars['ID']['output'];
  CheckInConnection: CheckInConnectionParent;
  CheckInEdge: Omit<CheckInEdge, 'node'> & { node: ResolversParentTypes['CheckIn'] };
  DateTime: Scalars['DateTime']['output'];
  Event: EventParent;
  GateActivity: GateActivity;
  PageInfo: PageInfo;
  Subscription: Record<PropertyKey, never>;
};

export type AttendanceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Attendance'] = ResolversParentTypes['Attendance']> = {
  attendanceRate?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  currentAttendees?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  gateActivity?: Resolver<ReadonlyArray<ResolversTypes['GateActivity']>, ParentType, ContextType>;
  stale?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  totalRegistered?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type AttendanceChangeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AttendanceChange'] = ResolversParentTypes['AttendanceChange']> = {
  attendance?: Resolver<ResolversTypes['Attendance'], ParentType, ContextType>;
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  event?: Resolver<ResolversTypes['Event'], ParentType, ContextType>;
};

export type AttendancePointResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AttendancePoint'] = ResolversParentTypes['AttendancePoint']> = {
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  attendanceRate?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  currentAttendees?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  totalRegistered?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type CheckInResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CheckIn'] = ResolversParentTypes['CheckIn']> = {
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  direction?: Resolver<ResolversTypes['Direction'], ParentType, ContextType>;
  event?: Resolver<ResolversTypes['Event'], ParentType, ContextType>;
  gateId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  participant?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type CheckInConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CheckInConnection'] = ResolversParentTypes['CheckInConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['CheckInEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type CheckInEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CheckInEdge'] = ResolversParentTypes['CheckInEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['CheckIn'], ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type EventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Event'] = ResolversParentTypes['Event'], FederationReferenceType extends FederationReferenceTypes['Event'] = FederationReferenceTypes['Event']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['Event']> | FederationReferenceType, FederationReferenceType, ContextType>;
  attendance?: Resolver<Maybe<ResolversTypes['Attendance']>, ParentType, ContextType>;
  attendanceHistory?: Resolver<Maybe<ReadonlyArray<ResolversTypes['AttendancePoint']>>, ParentType, ContextType, RequireFields<EventAttendanceHistoryArgs, 'every'>>;
  checkIns?: Resolver<Maybe<ResolversTypes['CheckInConnection']>, ParentType, ContextType, RequireFields<EventCheckInsArgs, 'first'>>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type GateActivityResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GateActivity'] = ResolversParentTypes['GateActivity']> = {
  gateId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['GateStatus'], ParentType, ContextType>;
  throughput?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  attendanceChanged?: SubscriptionResolver<ResolversTypes['AttendanceChange'], "attendanceChanged", ParentType, ContextType, Partial<SubscriptionAttendanceChangedArgs>>;
  checkInRecorded?: SubscriptionResolver<ResolversTypes['CheckIn'], "checkInRecorded", ParentType, ContextType, Partial<SubscriptionCheckInRecordedArgs>>;
  eventStatusChanged?: SubscriptionResolver<ResolversTypes['Event'], "eventStatusChanged", ParentType, ContextType, Partial<SubscriptionEventStatusChangedArgs>>;
};

export type Resolvers<ContextType = Context> = {
  Attendance?: AttendanceResolvers<ContextType>;
  AttendanceChange?: AttendanceChangeResolvers<ContextType>;
  AttendancePoint?: AttendancePointResolvers<ContextType>;
  CheckIn?: CheckInResolvers<ContextType>;
  CheckInConnection?: CheckInConnectionResolvers<ContextType>;
  CheckInEdge?: CheckInEdgeResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  Event?: EventResolvers<ContextType>;
  GateActivity?: GateActivityResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
};

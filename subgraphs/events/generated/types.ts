/** Generated from schema.graphql by `npm run codegen`. Do not edit. */
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { EventParent, GateEventParent, PretixEventParent, EventConnectionParent, EventServiceParent, EventServiceConnectionParent, Context } from '../resolvers.ts';
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
  /** Any JSON value. */
  JSON: { input: unknown; output: unknown; }
  _FieldSet: { input: unknown; output: unknown; }
};

/** How the hub signs in to a service. */
export type AuthenticationInput = {
  /** The credentials themselves; encrypted at rest and never shown again. */
  readonly credentials?: InputMaybe<CredentialsInput>;
  /** Kind of credentials. */
  readonly type: AuthenticationType;
};

/** Kind of credentials. */
export type AuthenticationType =
  /** A key in a header. */
  | 'API_KEY'
  /** A JSON Web Token. */
  | 'JWT'
  /** None. */
  | 'NONE'
  /** OAuth 2.0 client credentials. */
  | 'OAUTH2';

/** Credentials; which fields are needed follows from the type. */
export type CredentialsInput = {
  /** For API_KEY. */
  readonly apiKey?: InputMaybe<Scalars['String']['input']>;
  /** For OAUTH2. */
  readonly clientId?: InputMaybe<Scalars['String']['input']>;
  /** For OAUTH2. */
  readonly clientSecret?: InputMaybe<Scalars['String']['input']>;
  /** For JWT. */
  readonly token?: InputMaybe<Scalars['String']['input']>;
  /** For OAUTH2. */
  readonly tokenUrl?: InputMaybe<Scalars['String']['input']>;
};

/** An event of any service. */
export type Event = {
  /** Hub-wide event id, such as `tech-conference-2024`. */
  readonly id: Scalars['ID']['output'];
  /** Name, in English where the service has several languages. */
  readonly name: Scalars['String']['output'];
  /** Who organises it. */
  readonly organizer?: Maybe<Organizer>;
  /** When it takes place. */
  readonly period: Period;
  /** Region of a programme it belongs to. */
  readonly region?: Maybe<Region>;
  /** The registered service it comes from. */
  readonly service: EventService;
  /** Where the event stands, by the service's word or else by its period. */
  readonly status: EventStatus;
  /** IANA time zone of the place, such as `Asia/Seoul`. */
  readonly timezone: Scalars['String']['output'];
  /** Kind of event as the service names it, such as `conference`. */
  readonly type?: Maybe<Scalars['String']['output']>;
  /** Where it takes place. */
  readonly venue?: Maybe<Venue>;
};

/** A page of events. */
export type EventConnection = {
  /** The events with their cursors. */
  readonly edges: ReadonlyArray<EventEdge>;
  /** Where the page lies in the list. */
  readonly pageInfo: PageInfo;
  /** Events in the whole list. */
  readonly totalCount: Scalars['Int']['output'];
};

/** An event in a page. */
export type EventEdge = {
  /** Give this as `after` to go on behind this event. */
  readonly cursor: Scalars['String']['output'];
  /** The event. */
  readonly node: Event;
};

/** Which events to list; all given conditions hold. */
export type EventFilter = {
  /** Only these ids. */
  readonly ids?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
  /** Only of this region. */
  readonly region?: InputMaybe<Scalars['String']['input']>;
  /** Only of this registered service. */
  readonly serviceId?: InputMaybe<Scalars['ID']['input']>;
  /** Only events that begin before this. */
  readonly startsBefore?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only events that begin at or after this. */
  readonly startsFrom?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only with this status. */
  readonly status?: InputMaybe<EventStatus>;
  /** Only of this kind. */
  readonly type?: InputMaybe<Scalars['String']['input']>;
};

/** Order of events; equal ones are ordered by id. */
export type EventOrder =
  /** By name. */
  | 'NAME_ASC'
  /** Earliest beginning first. */
  | 'START_ASC'
  /** Latest beginning first. */
  | 'START_DESC';

/** A registered instance of an upstream product. */
export type EventService = {
  /** The organiser's contact given at registration. */
  readonly contact?: Maybe<Scalars['String']['output']>;
  /** Where it is reached. */
  readonly endpoints?: Maybe<ServiceEndpoints>;
  /** How well it answers. */
  readonly health: ServiceHealth;
  /** Id of the service. */
  readonly id: Scalars['ID']['output'];
  /** When it last answered as it should. */
  readonly lastContactAt?: Maybe<Scalars['DateTime']['output']>;
  /** Why the last contact or sync failed; null while all is well. */
  readonly lastError?: Maybe<ServiceError>;
  /** The last finished pull; null before the first. */
  readonly lastSync?: Maybe<SyncReport>;
  /** Name given at registration. */
  readonly name: Scalars['String']['output'];
  /** When the next pull is due. */
  readonly nextSyncAt?: Maybe<Scalars['DateTime']['output']>;
  /** Upstream product, such as `gatekeeper` or `pretix`. */
  readonly product: Scalars['String']['output'];
  /** Seconds between pulls. */
  readonly syncInterval?: Maybe<Scalars['Int']['output']>;
};

/** A page of services. */
export type EventServiceConnection = {
  /** The services with their cursors. */
  readonly edges: ReadonlyArray<EventServiceEdge>;
  /** Where the page lies in the list. */
  readonly pageInfo: PageInfo;
  /** Services in the whole list. */
  readonly totalCount: Scalars['Int']['output'];
};

/** A service in a page. */
export type EventServiceEdge = {
  /** Give this as `after` to go on behind this service. */
  readonly cursor: Scalars['String']['output'];
  /** The service. */
  readonly node: EventService;
};

/** Where an event stands. */
export type EventStatus =
  /** It is over. */
  | 'ENDED'
  /** It is on. */
  | 'ONGOING'
  /** It has not begun. */
  | 'PRE_EVENT';

/** An event of a gate system (product `gatekeeper`). */
export type GateEvent = Event & {
  /** Hub-wide event id, such as `tech-conference-2024`. */
  readonly id: Scalars['ID']['output'];
  /** Name of the event. */
  readonly name: Scalars['String']['output'];
  /** Who organises it. */
  readonly organizer?: Maybe<Organizer>;
  /** When it takes place. */
  readonly period: Period;
  /** Region of a programme it belongs to. */
  readonly region?: Maybe<Region>;
  /** The registered service it comes from. */
  readonly service: EventService;
  /** Where the event stands, by the service's word or else by its period. */
  readonly status: EventStatus;
  /** IANA time zone of the place, such as `Asia/Seoul`. */
  readonly timezone: Scalars['String']['output'];
  /** Kind of event as the service names it, such as `conference`. */
  readonly type?: Maybe<Scalars['String']['output']>;
  /** Where it takes place. */
  readonly venue?: Maybe<Venue>;
};

export type Mutation = {
  /**
   * Registers an instance of an upstream product: reaches its health check within 10 s, validates a sample of its data,
   * runs the initial sync, exchanges keys, stores its configuration with credentials encrypted and schedules the next sync.
   * When a step fails, `userErrors` says which and why, and nothing is stored.
   */
  readonly registerEventService: RegisterEventServicePayload;
};


export type MutationRegisterEventServiceArgs = {
  input: RegisterEventServiceInput;
};

/** Who organises events. */
export type Organizer = {
  /** Name of the organisation. */
  readonly name: Scalars['String']['output'];
};

/** Who organises an event. */
export type OrganizerInfoInput = {
  /** How to reach it. */
  readonly contact?: InputMaybe<Scalars['String']['input']>;
  /** Name of the organisation. */
  readonly organization?: InputMaybe<Scalars['String']['input']>;
};

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

/** When an event takes place. */
export type Period = {
  /** Last moment; null when the service does not know. */
  readonly end?: Maybe<Scalars['DateTime']['output']>;
  /** First moment. */
  readonly start: Scalars['DateTime']['output'];
};

/** When an event takes place. */
export type PeriodInput = {
  /** Last moment. */
  readonly end?: InputMaybe<Scalars['DateTime']['input']>;
  /** First moment. */
  readonly start: Scalars['DateTime']['input'];
};

/** An event, or one date of an event series, of a pretix server (product `pretix`). */
export type PretixEvent = Event & {
  /** Hub-wide event id: the organizer's slug and the event's, joined by a dash, and the date's number for a series. */
  readonly id: Scalars['ID']['output'];
  /** Name, in English where pretix has several languages. */
  readonly name: Scalars['String']['output'];
  /** Who organises it. */
  readonly organizer?: Maybe<Organizer>;
  /** When it takes place. */
  readonly period: Period;
  /** Region of a programme it belongs to. */
  readonly region?: Maybe<Region>;
  /** The registered service it comes from. */
  readonly service: EventService;
  /** Where the event stands, by its period. */
  readonly status: EventStatus;
  /** IANA time zone of the place, such as `Europe/Berlin`. */
  readonly timezone: Scalars['String']['output'];
  /** Kind of event, where pretix knows one. */
  readonly type?: Maybe<Scalars['String']['output']>;
  /** Where it takes place. */
  readonly venue?: Maybe<Venue>;
};

export type Query = {
  /** One event by its hub-wide id; null when there is none or the viewer may not see it. */
  readonly event?: Maybe<Event>;
  /** One registered service by its id. */
  readonly eventService?: Maybe<EventService>;
  /** All registered services, newest first. */
  readonly eventServices?: Maybe<EventServiceConnection>;
  /** Events the viewer may see: all of the key's event list, and public ones. */
  readonly events: EventConnection;
};


export type QueryEventArgs = {
  id: Scalars['ID']['input'];
};


export type QueryEventServiceArgs = {
  id: Scalars['ID']['input'];
};


export type QueryEventServicesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<EventFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  orderBy?: InputMaybe<EventOrder>;
};

/** A region of a programme. */
export type Region = {
  /** Name of the region, such as `asia-pacific`. */
  readonly name: Scalars['String']['output'];
};

/** What to register. Field names follow the registration API that existing clients use. */
export type RegisterEventServiceInput = {
  /** How the hub signs in there. */
  readonly authentication?: InputMaybe<AuthenticationInput>;
  /** Where the service is reached. */
  readonly endpoints: ServiceEndpointsInput;
  /** Hub-wide id of the event, for products with one event an instance. */
  readonly eventId?: InputMaybe<Scalars['ID']['input']>;
  /** Name of the event, where the service does not tell. */
  readonly eventName?: InputMaybe<Scalars['String']['input']>;
  /** When the event takes place, where the service does not tell. */
  readonly eventPeriod?: InputMaybe<PeriodInput>;
  /** Who organises, where the service does not tell. */
  readonly organizerInfo?: InputMaybe<OrganizerInfoInput>;
  /** Upstream product: the name of its connector. */
  readonly product: Scalars['String']['input'];
  /** Region of the programme that the event belongs to. */
  readonly region?: InputMaybe<Scalars['String']['input']>;
  /** Name for this instance. */
  readonly serviceName: Scalars['String']['input'];
  /** The product's own settings; see its README. */
  readonly settings?: InputMaybe<Scalars['JSON']['input']>;
  /** How data is fetched. */
  readonly syncSettings?: InputMaybe<SyncSettingsInput>;
};

/** What came of a registration. */
export type RegisterEventServicePayload = {
  /** The new service; null when it was not registered. */
  readonly service?: Maybe<EventService>;
  /** What to mend. */
  readonly userErrors: ReadonlyArray<UserError>;
};

/** What happens when a call to a service fails. */
export type RetryPolicyInput = {
  /** Further tries, 0 to 5, with growing random waits. */
  readonly retries?: InputMaybe<Scalars['Int']['input']>;
};

/** Where a service is reached. */
export type ServiceEndpoints = {
  /** Base URL of its API. */
  readonly api: Scalars['String']['output'];
  /** URL of its health check. */
  readonly healthCheck: Scalars['String']['output'];
  /** Where the service is to push to. */
  readonly push: Scalars['String']['output'];
};

/** Where a service is reached. */
export type ServiceEndpointsInput = {
  /** Base URL of its API. */
  readonly api: Scalars['String']['input'];
  /** URL of the health check; `{api}/health` unless given. */
  readonly healthCheck?: InputMaybe<Scalars['String']['input']>;
  /** Where the hub is to send webhooks to, for services that take them. */
  readonly webhook?: InputMaybe<Scalars['String']['input']>;
};

/** Why a service failed. */
export type ServiceError = {
  /** When it happened. */
  readonly at: Scalars['DateTime']['output'];
  /** Stable code, such as UPSTREAM_TIMEOUT. */
  readonly code: Scalars['String']['output'];
  /** What happened, in words. */
  readonly message: Scalars['String']['output'];
};

/** How well a service answers. */
export type ServiceHealth =
  /** The last contact failed, or the one before it did. */
  | 'DEGRADED'
  /** Three contacts in a row failed; last known values are served and marked stale. */
  | 'DOWN'
  /** The last contact went well. */
  | 'HEALTHY';

/** What a pull brought. */
export type SyncReport = {
  /** New facts that it brought. */
  readonly facts: Scalars['Int']['output'];
  /** When it ended. */
  readonly finishedAt: Scalars['DateTime']['output'];
  /** Records that could not be understood and are kept aside. */
  readonly rejected: Scalars['Int']['output'];
  /** When it began. */
  readonly startedAt: Scalars['DateTime']['output'];
};

/** How data is fetched. */
export type SyncSettingsInput = {
  /** JSON Schema that a sample of the service's data must meet. */
  readonly dataSchema?: InputMaybe<Scalars['JSON']['input']>;
  /** Seconds between pulls, 5 to 86400. */
  readonly interval?: InputMaybe<Scalars['Int']['input']>;
  /** What happens when a call fails. */
  readonly retryPolicy?: InputMaybe<RetryPolicyInput>;
};

/** A mistake that the caller can mend. */
export type UserError = {
  /** Stable code. */
  readonly code: Scalars['String']['output'];
  /** Path of the input field at fault. */
  readonly field?: Maybe<Scalars['String']['output']>;
  /** What is wrong and what to do. */
  readonly message: Scalars['String']['output'];
};

/** A place. */
export type Venue = {
  /** Postal address, in one text. */
  readonly address?: Maybe<Scalars['String']['output']>;
  /** Degrees north. */
  readonly latitude?: Maybe<Scalars['Float']['output']>;
  /** Degrees east. */
  readonly longitude?: Maybe<Scalars['Float']['output']>;
  /** Name of the place. */
  readonly name?: Maybe<Scalars['String']['output']>;
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
  EventService: EventService;
  GateEvent: GateEvent;
  PretixEvent: PretixEvent;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  Event:
    ( { __typename: 'Event' }
    & GraphQLRecursivePick<FederationTypes['Event'], {"id":true}> );
  EventService:
    ( { __typename: 'EventService' }
    & GraphQLRecursivePick<FederationTypes['EventService'], {"id":true}> );
  GateEvent:
    ( { __typename: 'GateEvent' }
    & GraphQLRecursivePick<FederationTypes['GateEvent'], {"id":true}> );
  PretixEvent:
    ( { __typename: 'PretixEvent' }
    & GraphQLRecursivePick<FederationTypes['PretixEvent'], {"id":true}> );
};



/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AuthenticationInput: AuthenticationInput;
  AuthenticationType: AuthenticationType;
  CredentialsInput: CredentialsInput;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Event: ResolverTypeWrapper<EventParent>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  EventConnection: ResolverTypeWrapper<EventConnectionParent>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  EventEdge: ResolverTypeWrapper<Omit<EventEdge, 'node'> & { node: ResolversTypes['Event'] }>;
  EventFilter: EventFilter;
  EventOrder: EventOrder;
  EventService: ResolverTypeWrapper<EventServiceParent>;
  EventServiceConnection: ResolverTypeWrapper<EventServiceConnectionParent>;
  EventServiceEdge: ResolverTypeWrapper<Omit<EventServiceEdge, 'node'> & { node: ResolversTypes['EventService'] }>;
  EventStatus: EventStatus;
  GateEvent: ResolverTypeWrapper<GateEventParent>;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Organizer: ResolverTypeWrapper<Organizer>;
  OrganizerInfoInput: OrganizerInfoInput;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  Period: ResolverTypeWrapper<Period>;
  PeriodInput: PeriodInput;
  PretixEvent: ResolverTypeWrapper<PretixEventParent>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Region: ResolverTypeWrapper<Region>;
  RegisterEventServiceInput: RegisterEventServiceInput;
  RegisterEventServicePayload: ResolverTypeWrapper<Omit<RegisterEventServicePayload, 'service'> & { service?: Maybe<ResolversTypes['EventService']> }>;
  RetryPolicyInput: RetryPolicyInput;
  ServiceEndpoints: ResolverTypeWrapper<ServiceEndpoints>;
  ServiceEndpointsInput: ServiceEndpointsInput;
  ServiceError: ResolverTypeWrapper<ServiceError>;
  ServiceHealth: ServiceHealth;
  SyncReport: ResolverTypeWrapper<SyncReport>;
  SyncSettingsInput: SyncSettingsInput;
  UserError: ResolverTypeWrapper<UserError>;
  Venue: ResolverTypeWrapper<Venue>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  AuthenticationInput: AuthenticationInput;
  CredentialsInput: CredentialsInput;
  String: Scalars['String']['output'];
  DateTime: Scalars['DateTime']['output'];
  Event: EventParent;
  ID: Scalars['ID']['output'];
  EventConnection: EventConnectionParent;
  Int: Scalars['Int']['output'];
  EventEdge: Omit<EventEdge, 'node'> & { node: ResolversParentTypes['Event'] };
  EventFilter: EventFilter;
  EventService: EventServiceParent;
  EventServiceConnection: EventServiceConnectionParent;
  EventServiceEdge: Omit<EventServiceEdge, 'node'> & { node: ResolversParentTypes['EventService'] };
  GateEvent: GateEventParent;
  JSON: Scalars['JSON']['output'];
  Mutation: Record<PropertyKey, never>;
  Organizer: Organizer;
  OrganizerInfoInput: OrganizerInfoInput;
  PageInfo: PageInfo;
  Boolean: Scalars['Boolean']['output'];
  Period: Period;
  PeriodInput: PeriodInput;
  PretixEvent: PretixEventParent;
  Query: Record<PropertyKey, never>;
  Region: Region;
  RegisterEventServiceInput: RegisterEventServiceInput;
  RegisterEventServicePayload: Omit<RegisterEventServicePayload, 'service'> & { service?: Maybe<ResolversParentTypes['EventService']> };
  RetryPolicyInput: RetryPolicyInput;
  ServiceEndpoints: ServiceEndpoints;
  ServiceEndpointsInput: ServiceEndpointsInput;
  ServiceError: ServiceError;
  SyncReport: SyncReport;
  SyncSettingsInput: SyncSettingsInput;
  UserError: UserError;
  Venue: Venue;
  Float: Scalars['Float']['output'];
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type EventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Event'] = ResolversParentTypes['Event'], FederationReferenceType extends FederationReferenceTypes['Event'] = FederationReferenceTypes['Event']> = {
  __resolveType: TypeResolveFn<'GateEvent' | 'PretixEvent', ParentType, ContextType>;
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['Event']> | FederationReferenceType, FederationReferenceType, ContextType>;
};

export type EventConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventConnection'] = ResolversParentTypes['EventConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['EventEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type EventEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventEdge'] = ResolversParentTypes['EventEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Event'], ParentType, ContextType>;
};

export type EventServiceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventService'] = ResolversParentTypes['EventService'], FederationReferenceType extends FederationReferenceTypes['EventService'] = FederationReferenceTypes['EventService']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['EventService']> | FederationReferenceType, FederationReferenceType, ContextType>;
  contact?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  endpoints?: Resolver<Maybe<ResolversTypes['ServiceEndpoints']>, ParentType, ContextType>;
  health?: Resolver<ResolversTypes['ServiceHealth'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  lastContactAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  lastError?: Resolver<Maybe<ResolversTypes['ServiceError']>, ParentType, ContextType>;
  lastSync?: Resolver<Maybe<ResolversTypes['SyncReport']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  nextSyncAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  product?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  syncInterval?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type EventServiceConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventServiceConnection'] = ResolversParentTypes['EventServiceConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['EventServiceEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type EventServiceEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['EventServiceEdge'] = ResolversParentTypes['EventServiceEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['EventService'], ParentType, ContextType>;
};

export type GateEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GateEvent'] = ResolversParentTypes['GateEvent'], FederationReferenceType extends FederationReferenceTypes['GateEvent'] = FederationReferenceTypes['GateEvent']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['GateEvent']> | FederationReferenceType, FederationReferenceType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  organizer?: Resolver<Maybe<ResolversTypes['Organizer']>, ParentType, ContextType>;
  period?: Resolver<ResolversTypes['Period'], ParentType, ContextType>;
  region?: Resolver<Maybe<ResolversTypes['Region']>, ParentType, ContextType>;
  service?: Resolver<ResolversTypes['EventService'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['EventStatus'], ParentType, ContextType>;
  timezone?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  venue?: Resolver<Maybe<ResolversTypes['Venue']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  registerEventService?: Resolver<ResolversTypes['RegisterEventServicePayload'], ParentType, ContextType, RequireFields<MutationRegisterEventServiceArgs, 'input'>>;
};

export type OrganizerResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Organizer'] = ResolversParentTypes['Organizer']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PeriodResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Period'] = ResolversParentTypes['Period']> = {
  end?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  start?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type PretixEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixEvent'] = ResolversParentTypes['PretixEvent'], FederationReferenceType extends FederationReferenceTypes['PretixEvent'] = FederationReferenceTypes['PretixEvent']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['PretixEvent']> | FederationReferenceType, FederationReferenceType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  organizer?: Resolver<Maybe<ResolversTypes['Organizer']>, ParentType, ContextType>;
  period?: Resolver<ResolversTypes['Period'], ParentType, ContextType>;
  region?: Resolver<Maybe<ResolversTypes['Region']>, ParentType, ContextType>;
  service?: Resolver<ResolversTypes['EventService'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['EventStatus'], ParentType, ContextType>;
  timezone?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  venue?: Resolver<Maybe<ResolversTypes['Venue']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  event?: Resolver<Maybe<ResolversTypes['Event']>, ParentType, ContextType, RequireFields<QueryEventArgs, 'id'>>;
  eventService?: Resolver<Maybe<ResolversTypes['EventService']>, ParentType, ContextType, RequireFields<QueryEventServiceArgs, 'id'>>;
  eventServices?: Resolver<Maybe<ResolversTypes['EventServiceConnection']>, ParentType, ContextType, RequireFields<QueryEventServicesArgs, 'first'>>;
  events?: Resolver<ResolversTypes['EventConnection'], ParentType, ContextType, RequireFields<QueryEventsArgs, 'first' | 'orderBy'>>;
};

export type RegionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Region'] = ResolversParentTypes['Region']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type RegisterEventServicePayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RegisterEventServicePayload'] = ResolversParentTypes['RegisterEventServicePayload']> = {
  service?: Resolver<Maybe<ResolversTypes['EventService']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['UserError']>, ParentType, ContextType>;
};

export type ServiceEndpointsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ServiceEndpoints'] = ResolversParentTypes['ServiceEndpoints']> = {
  api?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  healthCheck?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  push?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type ServiceErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ServiceError'] = ResolversParentTypes['ServiceError']> = {
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type SyncReportResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SyncReport'] = ResolversParentTypes['SyncReport']> = {
  facts?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  finishedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  rejected?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  startedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type UserErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UserError'] = ResolversParentTypes['UserError']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  field?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type VenueResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Venue'] = ResolversParentTypes['Venue']> = {
  address?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  latitude?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  longitude?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  DateTime?: GraphQLScalarType;
  Event?: EventResolvers<ContextType>;
  EventConnection?: EventConnectionResolvers<ContextType>;
  EventEdge?: EventEdgeResolvers<ContextType>;
  EventService?: EventServiceResolvers<ContextType>;
  EventServiceConnection?: EventServiceConnectionResolvers<ContextType>;
  EventServiceEdge?: EventServiceEdgeResolvers<ContextType>;
  GateEvent?: GateEventResolvers<ContextType>;
  JSON?: GraphQLScalarType;
  Mutation?: MutationResolvers<ContextType>;
  Organizer?: OrganizerResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  Period?: PeriodResolvers<ContextType>;
  PretixEvent?: PretixEventResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  Region?: RegionResolvers<ContextType>;
  RegisterEventServicePayload?: RegisterEventServicePayloadResolvers<ContextType>;
  ServiceEndpoints?: ServiceEndpointsResolvers<ContextType>;
  ServiceError?: ServiceErrorResolvers<ContextType>;
  SyncReport?: SyncReportResolvers<ContextType>;
  UserError?: UserErrorResolvers<ContextType>;
  Venue?: VenueResolvers<ContextType>;
};

/** Generated from schema.graphql by `npm run codegen`. Do not edit. */
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { PretixEventParent, PretixProductParent, PretixVariationParent, PretixQuotaParent, PretixCheckInListParent, PretixOrderParent, PretixOrderPositionParent, PretixOrderConnectionParent, Context } from '../resolvers.ts';
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
  /** An exact decimal number, as text: `45200.00`. */
  Decimal: { input: unknown; output: unknown; }
  _FieldSet: { input: unknown; output: unknown; }
};

/** An amount of money. */
export type Money = {
  /** How much. */
  readonly amount: Scalars['Decimal']['output'];
  /** ISO 4217 code of the currency, such as `EUR`. */
  readonly currency: Scalars['String']['output'];
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

/** A place or purpose that tickets are scanned for. A ticket can be inside one list and outside another. */
export type PretixCheckInList = {
  /** Whether the list takes every product. */
  readonly allProducts: Scalars['Boolean']['output'];
  /** Tickets of those that entered at least once, by pretix's own count. */
  readonly checkInCount: Scalars['Int']['output'];
  /** pretix's number of the list; `area` of the check-ins on it. */
  readonly id: Scalars['ID']['output'];
  /** Whether orders that are not paid count and may enter. */
  readonly includePending: Scalars['Boolean']['output'];
  /** Tickets of those that are inside now, by pretix's own count; null where pretix does not tell. */
  readonly insideCount?: Maybe<Scalars['Int']['output']>;
  /** Name of the list. */
  readonly name: Scalars['String']['output'];
  /** Tickets that the list takes, by pretix's own count. */
  readonly positionCount: Scalars['Int']['output'];
  /** pretix's numbers of the products it takes, unless it takes all. */
  readonly productIds: ReadonlyArray<Scalars['ID']['output']>;
  /** When pretix told these counts. */
  readonly updatedAt: Scalars['DateTime']['output'];
};

/** An event, or one date of an event series, of a pretix server (product `pretix`). */
export type PretixEvent = {
  /** Where tickets are scanned, with pretix's own counts. Of a series: the lists of this date and those of all dates. */
  readonly checkInLists?: Maybe<ReadonlyArray<PretixCheckInList>>;
  /** pretix's number of the date, where this is one of a series. */
  readonly dateId?: Maybe<Scalars['ID']['output']>;
  /** Hub-wide event id: the organizer's slug and the event's, joined by a dash, and the date's number for a series. */
  readonly id: Scalars['ID']['output'];
  /** Whether the shop is online. */
  readonly live?: Maybe<Scalars['Boolean']['output']>;
  /** Orders in every state, newest first. Of a series: those with tickets for this date. */
  readonly orders?: Maybe<PretixOrderConnection>;
  /** Slug of the organizer in pretix. */
  readonly organizerSlug?: Maybe<Scalars['String']['output']>;
  /** What is sold, in pretix's numbering. */
  readonly products?: Maybe<ReadonlyArray<PretixProduct>>;
  /** How many tickets there are. Of a series: those of this date and those of all dates. */
  readonly quotas?: Maybe<ReadonlyArray<PretixQuota>>;
  /** Slug of the event, or of the series that this is a date of. */
  readonly slug?: Maybe<Scalars['String']['output']>;
  /** Whether orders are trial orders now. */
  readonly testMode?: Maybe<Scalars['Boolean']['output']>;
};


/** An event, or one date of an event series, of a pretix server (product `pretix`). */
export type PretixEventOrdersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

/** An order, without anything about who placed it. */
export type PretixOrder = {
  /** Order code, unique with the organizer. */
  readonly code: Scalars['ID']['output'];
  /** When it was placed. */
  readonly placedAt: Scalars['DateTime']['output'];
  /** What was bought for this event. */
  readonly positions: ReadonlyArray<PretixOrderPosition>;
  /** Where it was sold, such as `web` or `pretixpos`. */
  readonly salesChannel: Scalars['String']['output'];
  /** Where it stands. */
  readonly status: PretixOrderStatus;
  /** Whether it is a trial order. */
  readonly testMode: Scalars['Boolean']['output'];
  /** Total of the whole order, tickets for other dates of a series included. */
  readonly total: Money;
  /** When pretix last changed it. */
  readonly updatedAt: Scalars['DateTime']['output'];
};

/** A page of orders. */
export type PretixOrderConnection = {
  /** The orders with their cursors. */
  readonly edges: ReadonlyArray<PretixOrderEdge>;
  /** Where the page lies in the list. */
  readonly pageInfo: PageInfo;
  /** Orders in the whole list. */
  readonly totalCount: Scalars['Int']['output'];
};

/** An order in a page. */
export type PretixOrderEdge = {
  /** Give this as `after` to go on behind this order. */
  readonly cursor: Scalars['String']['output'];
  /** The order. */
  readonly node: PretixOrder;
};

/** One ticket or thing of an order. */
export type PretixOrderPosition = {
  /** pretix's number of the position. */
  readonly id: Scalars['ID']['output'];
  /** Number within the order, from 1. */
  readonly number: Scalars['Int']['output'];
  /** Keyed hash of the ticket: the same as of its check-ins. */
  readonly participant?: Maybe<Scalars['ID']['output']>;
  /** What it cost. */
  readonly price: Money;
  /** pretix's number of the product. */
  readonly productId: Scalars['ID']['output'];
  /** Where it stands. */
  readonly state: PretixPositionState;
  /** pretix's number of the variation, where the product has some. */
  readonly variationId?: Maybe<Scalars['ID']['output']>;
};

/** Where an order stands. */
export type PretixOrderStatus =
  /** Canceled. */
  | 'CANCELED'
  /** Not paid in time. */
  | 'EXPIRED'
  /** Paid. */
  | 'PAID'
  /** Not paid yet. */
  | 'PENDING';

/** Where a ticket stands. */
export type PretixPositionState =
  /** Canceled, by itself or with its order, or expired. */
  | 'CANCELLED'
  /** Lets in. */
  | 'CONFIRMED'
  /** Not paid yet. */
  | 'PENDING';

/** Something that is sold: a ticket, a shirt. */
export type PretixProduct = {
  /** Whether it is sold now. */
  readonly active: Scalars['Boolean']['output'];
  /** Whether it lets a person in, unlike a shirt. */
  readonly admission: Scalars['Boolean']['output'];
  /** pretix's number of the product. */
  readonly id: Scalars['ID']['output'];
  /** Name, in English where there are several languages. */
  readonly name: Scalars['String']['output'];
  /** Price without what variations and dates change. */
  readonly price: Money;
  /** Kinds that it is sold in. */
  readonly variations: ReadonlyArray<PretixVariation>;
};

/** How many of some products can be sold together. */
export type PretixQuota = {
  /** How many are left, as pretix last told; null when unlimited or not told. */
  readonly availableNumber?: Maybe<Scalars['Int']['output']>;
  /** Whether sales were stopped by hand or for good. */
  readonly closed: Scalars['Boolean']['output'];
  /** pretix's number of the quota. */
  readonly id: Scalars['ID']['output'];
  /** Name of the quota. */
  readonly name: Scalars['String']['output'];
  /** pretix's numbers of the products that count. */
  readonly productIds: ReadonlyArray<Scalars['ID']['output']>;
  /** How many there are; null when unlimited. */
  readonly size?: Maybe<Scalars['Int']['output']>;
};

/** A kind of a product, such as a size. */
export type PretixVariation = {
  /** Whether it is sold now. */
  readonly active: Scalars['Boolean']['output'];
  /** pretix's number of the variation. */
  readonly id: Scalars['ID']['output'];
  /** Name, in English where there are several languages. */
  readonly name: Scalars['String']['output'];
  /** Its own price, where it differs from the product's. */
  readonly price?: Maybe<Money>;
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
  PretixEvent: PretixEvent;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  PretixEvent:
    ( { __typename: 'PretixEvent' }
    & GraphQLRecursivePick<FederationTypes['PretixEvent'], {"id":true}> );
};



/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Decimal: ResolverTypeWrapper<Scalars['Decimal']['output']>;
  Money: ResolverTypeWrapper<Money>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  PretixCheckInList: ResolverTypeWrapper<PretixCheckInListParent>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  PretixEvent: ResolverTypeWrapper<PretixEventParent>;
  PretixOrder: ResolverTypeWrapper<PretixOrderParent>;
  PretixOrderConnection: ResolverTypeWrapper<PretixOrderConnectionParent>;
  PretixOrderEdge: ResolverTypeWrapper<Omit<PretixOrderEdge, 'node'> & { node: ResolversTypes['PretixOrder'] }>;
  PretixOrderPosition: ResolverTypeWrapper<PretixOrderPositionParent>;
  PretixOrderStatus: PretixOrderStatus;
  PretixPositionState: PretixPositionState;
  PretixProduct: ResolverTypeWrapper<PretixProductParent>;
  PretixQuota: ResolverTypeWrapper<PretixQuotaParent>;
  PretixVariation: ResolverTypeWrapper<PretixVariationParent>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DateTime: Scalars['DateTime']['output'];
  Decimal: Scalars['Decimal']['output'];
  Money: Money;
  String: Scalars['String']['output'];
  PageInfo: PageInfo;
  Boolean: Scalars['Boolean']['output'];
  PretixCheckInList: PretixCheckInListParent;
  Int: Scalars['Int']['output'];
  ID: Scalars['ID']['output'];
  PretixEvent: PretixEventParent;
  PretixOrder: PretixOrderParent;
  PretixOrderConnection: PretixOrderConnectionParent;
  PretixOrderEdge: Omit<PretixOrderEdge, 'node'> & { node: ResolversParentTypes['PretixOrder'] };
  PretixOrderPosition: PretixOrderPositionParent;
  PretixProduct: PretixProductParent;
  PretixQuota: PretixQuotaParent;
  PretixVariation: PretixVariationParent;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export interface DecimalScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Decimal'], any> {
  name: 'Decimal';
}

export type MoneyResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Money'] = ResolversParentTypes['Money']> = {
  amount?: Resolver<ResolversTypes['Decimal'], ParentType, ContextType>;
  currency?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PretixCheckInListResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixCheckInList'] = ResolversParentTypes['PretixCheckInList']> = {
  allProducts?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  checkInCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  includePending?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  insideCount?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  positionCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  productIds?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type PretixEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixEvent'] = ResolversParentTypes['PretixEvent'], FederationReferenceType extends FederationReferenceTypes['PretixEvent'] = FederationReferenceTypes['PretixEvent']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['PretixEvent']> | FederationReferenceType, FederationReferenceType, ContextType>;
  checkInLists?: Resolver<Maybe<ReadonlyArray<ResolversTypes['PretixCheckInList']>>, ParentType, ContextType>;
  dateId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  live?: Resolver<Maybe<ResolversTypes['Boolean']>, ParentType, ContextType>;
  orders?: Resolver<Maybe<ResolversTypes['PretixOrderConnection']>, ParentType, ContextType, RequireFields<PretixEventOrdersArgs, 'first'>>;
  organizerSlug?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  products?: Resolver<Maybe<ReadonlyArray<ResolversTypes['PretixProduct']>>, ParentType, ContextType>;
  quotas?: Resolver<Maybe<ReadonlyArray<ResolversTypes['PretixQuota']>>, ParentType, ContextType>;
  slug?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  testMode?: Resolver<Maybe<ResolversTypes['Boolean']>, ParentType, ContextType>;
};

export type PretixOrderResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixOrder'] = ResolversParentTypes['PretixOrder']> = {
  code?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  placedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  positions?: Resolver<ReadonlyArray<ResolversTypes['PretixOrderPosition']>, ParentType, ContextType>;
  salesChannel?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['PretixOrderStatus'], ParentType, ContextType>;
  testMode?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  total?: Resolver<ResolversTypes['Money'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type PretixOrderConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixOrderConnection'] = ResolversParentTypes['PretixOrderConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['PretixOrderEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type PretixOrderEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixOrderEdge'] = ResolversParentTypes['PretixOrderEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['PretixOrder'], ParentType, ContextType>;
};

export type PretixOrderPositionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixOrderPosition'] = ResolversParentTypes['PretixOrderPosition']> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  number?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  participant?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  price?: Resolver<ResolversTypes['Money'], ParentType, ContextType>;
  productId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['PretixPositionState'], ParentType, ContextType>;
  variationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type PretixProductResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixProduct'] = ResolversParentTypes['PretixProduct']> = {
  active?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  admission?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  price?: Resolver<ResolversTypes['Money'], ParentType, ContextType>;
  variations?: Resolver<ReadonlyArray<ResolversTypes['PretixVariation']>, ParentType, ContextType>;
};

export type PretixQuotaResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixQuota'] = ResolversParentTypes['PretixQuota']> = {
  availableNumber?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  closed?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  productIds?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
  size?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type PretixVariationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PretixVariation'] = ResolversParentTypes['PretixVariation']> = {
  active?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  price?: Resolver<Maybe<ResolversTypes['Money']>, ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  DateTime?: GraphQLScalarType;
  Decimal?: GraphQLScalarType;
  Money?: MoneyResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  PretixCheckInList?: PretixCheckInListResolvers<ContextType>;
  PretixEvent?: PretixEventResolvers<ContextType>;
  PretixOrder?: PretixOrderResolvers<ContextType>;
  PretixOrderConnection?: PretixOrderConnectionResolvers<ContextType>;
  PretixOrderEdge?: PretixOrderEdgeResolvers<ContextType>;
  PretixOrderPosition?: PretixOrderPositionResolvers<ContextType>;
  PretixProduct?: PretixProductResolvers<ContextType>;
  PretixQuota?: PretixQuotaResolvers<ContextType>;
  PretixVariation?: PretixVariationResolvers<ContextType>;
};

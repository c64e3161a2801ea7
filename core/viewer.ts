/**
 * Who asks. A viewer is made once at the gateway's door and travels, unchanged, to every subgraph.
 */

/** What a key can be allowed to do. Also the scopes of `@requiresScopes`. */
export const permissions = [
  'read_events',
  'read_attendance',
  'read_participants',
  'read_orders',
  'manage_services',
  'webhook_subscribe',
  /** Reserve, pay and cancel tickets, its own. */
  'book_tickets',
  /** Change artists, venues, ticketed events and their tickets. */
  'manage_tickets',
  'collect_activity',
  'publish_operations',
  'admin',
] as const;
export type Permission = (typeof permissions)[number];

/** How much a client may cost; `internal` is the organisation's own. The budgets are the gateway's. */
export const tiers = ['public', 'partner', 'premium', 'internal'] as const;
export type Tier = (typeof tiers)[number];

/** What was agreed with a client: what it may cost and which documents it may send, never what it sees. */
export type Terms = {
  /** Name of the client, whose published operations count for it; null for nobody in particular. */
  readonly client: string | null;
  readonly tier: Tier;
  /** `any` document, or `persisted` operations only. */
  readonly documents: 'any' | 'persisted';
};

export type Viewer = {
  /** `public` shows nothing; `key` an API key, or a token that stands for somebody; `hub` is the hub itself (jobs, ingestion) and never comes from outside. */
  readonly kind: 'public' | 'key' | 'hub';
  /** Stable id of the API key, token, grant, client or foreign account, for the audit log and for ending what a revoked one holds open. */
  readonly keyId: string | null;
  readonly permissions: ReadonlySet<Permission>;
  /** Hub-wide event ids the viewer may see, or `all`. Public events are visible to everyone besides. */
  readonly events: 'all' | ReadonlySet<string>;
  /** Scopes that are no permissions of the hub: they count for `@requiresScopes` of other supergraphs only. */
  readonly scopes?: ReadonlySet<string>;
  /** What the credential's issuer says that it fulfils, for `@policy`. */
  readonly policies?: ReadonlySet<string>;
  /** Ids of what the credential came of, such as the key of a grant: it ends with each of them. Absent in subgraphs. */
  readonly standsOn?: readonly string[];
  /** When the credential ends by itself: what it holds open ends then too. Absent or null for never. */
  readonly expiresAt?: Date | null;
  /** To subgraphs only the client's name is of interest; see `termsOf`. */
  readonly terms?: Terms;
};

export const publicViewer: Viewer = { kind: 'public', keyId: null, permissions: new Set(), events: new Set() };
export const hubViewer: Viewer = { kind: 'hub', keyId: null, permissions: new Set(permissions), events: 'all' };

const publicTerms: Terms = { client: null, tier: 'public', documents: 'any' };
const internalTerms: Terms = { client: null, tier: 'internal', documents: 'any' };
export const termsOf = (viewer: Viewer): Terms => viewer.terms ?? (viewer.kind === 'public' ? publicTerms : internalTerms);

/** `admin` includes every other permission. */
export const isAllowed = (viewer: Viewer, permission: Permission): boolean =>
  viewer.permissions.has('admin') || viewer.permissions.has(permission);

export const maySeeEvent = (viewer: Viewer, eventId: string): boolean => viewer.events === 'all' || viewer.events.has(eventId);

/** Whether the credential ends with what has this id: itself, or what it came of. */
export const dependsOn = (viewer: Viewer, id: string): boolean => viewer.keyId === id || (viewer.standsOn?.includes(id) ?? false);

/** Narrows a list of wanted event ids to the ones the viewer may see. `null` means: all there are. */
export const visibleEventIds = (viewer: Viewer, wanted: readonly string[] | null | undefined): readonly string[] | null => {
  if (viewer.events === 'all') return wanted ?? null;
  const events = viewer.events;
  return wanted ? wanted.filter((id) => events.has(id)) : [...events];
};

/**
 * Everything about a viewer that can change an answer, as one string. Two viewers with the same rights may share
 * an execution or a cache entry; two with different rights never.
 */
export const rightsOf = (viewer: Viewer): string =>
  JSON.stringify([viewer.kind, sorted(viewer.permissions), viewer.events === 'all' ? 'all' : sorted(viewer.events), sorted(viewer.scopes), sorted(viewer.policies)]);

const sorted = (values: ReadonlySet<string> | undefined): readonly string[] => (values ? [...values].sort() : []);

/** The header, and the connection parameter of a WebSocket, in which a viewer travels to a subgraph of its own process. */
export const viewerHeader = 'x-eventgraph-viewer';

export type SerializedViewer = { kind: Viewer['kind']; keyId: string | null; permissions: Permission[]; events: 'all' | string[]; scopes?: string[]; policies?: string[]; terms?: Terms };

export const serializeViewer = (viewer: Viewer): SerializedViewer => ({
  kind: viewer.kind,
  keyId: viewer.keyId,
  permissions: [...viewer.permissions],
  events: viewer.events === 'all' ? 'all' : [...viewer.events],
  ...(viewer.scopes && { scopes: [...viewer.scopes] }),
  ...(viewer.policies && { policies: [...viewer.policies] }),
  ...(viewer.terms && { terms: viewer.terms }),
});

export const deserializeViewer = (viewer: SerializedViewer): Viewer => ({
  kind: viewer.kind,
  keyId: viewer.keyId,
  permissions: new Set(viewer.permissions),
  events: viewer.events === 'all' ? 'all' : new Set(viewer.events),
  ...(viewer.scopes && { scopes: new Set(viewer.scopes) }),
  ...(viewer.policies && { policies: new Set(viewer.policies) }),
  ...(viewer.terms && { terms: viewer.terms }),
});

/** What subgraphs ask of ingestion. main.ts hands it in, so that neither room imports the other. */
import type { ConnectorContext, Credentials, Rejected } from './connector.ts';
import type { EntityManager } from './database.ts';
import type { DomainEvent, NewDomainEvent } from './domain-events.ts';
import type { Fact } from './facts.ts';
import type { Viewer } from './viewer.ts';

export type Registration = {
  readonly product: string;
  readonly serviceName: string;
  readonly endpoints: { readonly api: string; readonly webhook: string | null; readonly healthCheck: string | null };
  readonly credentials: Credentials;
  /** Seconds between pulls. */
  readonly syncInterval: number;
  readonly retries: number;
  readonly dataSchema: Record<string, unknown> | null;
  /** The product's own settings, with what the caller said of the event. Parsed by the connector. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Hub-wide ids of events that the service may claim: the event list of the key that registers it; null for any. */
  readonly eventAccess: readonly string[] | null;
  /** Key id of who registers. */
  readonly by: string | null;
};

/** The steps of a registration, in their order. */
export const registrationSteps = ['SETTINGS', 'HEALTH_CHECK', 'SAMPLE', 'INITIAL_SYNC', 'KEY_EXCHANGE'] as const;
export type RegistrationStep = (typeof registrationSteps)[number];

export type RegistrationResult =
  | { readonly ok: true; readonly serviceId: string; /** Where the service is to push to, with its token: told here and never again. Null where nobody has to tell it. */ readonly pushUrl: string | null }
  /** Nothing was stored. `field` is the input field at fault. */
  | { readonly ok: false; readonly step: RegistrationStep; readonly code: string; readonly message: string; readonly field: string };

/** What a registration would bring. */
export type Preview = {
  /** At most 100 of each kind and a million characters, with participants hashed. */
  readonly facts: readonly Fact[];
  readonly factCount: number;
  /** At most 100, with the records as they came: null for those over 64 KB, and for what is beyond a million characters. */
  readonly rejected: readonly Rejected[];
  readonly rejectedCount: number;
  /** Of those that are shown, the ones without their record for its size. */
  readonly recordsCut: number;
  /** Whether there was no more to read. */
  readonly complete: boolean;
  /** The step that a registration would fail at; null where it would not. */
  readonly failure: Omit<Extract<RegistrationResult, { ok: false }>, 'ok'> | null;
};

export type RetryReport = {
  readonly recovered: number;
  readonly rejected: number;
  /** Some could not be tried by themselves: everything is read anew. */
  readonly resync: boolean;
};

/** What of a registered service is to be otherwise; what is absent stays. */
export type ServiceUpdate = {
  readonly serviceName?: string;
  readonly endpoints?: { readonly api?: string; readonly webhook?: string | null; readonly healthCheck?: string | null };
  readonly credentials?: Credentials;
  readonly syncInterval?: number;
  readonly retries?: number;
  /** Null: there is none any more. */
  readonly dataSchema?: Readonly<Record<string, unknown>> | null;
  /** Settings by name, as a JSON merge patch of one level (RFC 7396): null removes one. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Event ids that it may claim from now on; null for any. */
  readonly eventAccess?: readonly string[] | null;
};

/** Who asks for a change: the key's id, for the audit log, and the events that it allows. */
export type Asker = { readonly by: string | null; readonly events: Viewer['events'] };

/** A failure changed nothing. `step` is the one that failed, where there are steps; `field` the input field at fault. `pushUrl` as of a registration, where it is another from now on. */
export type AdministrationResult = { readonly ok: true; readonly pushUrl?: string | null } | { readonly ok: false; readonly step: RegistrationStep | null; readonly code: string; readonly message: string; readonly field: string };
export type RemovalResult = Exclude<AdministrationResult, { readonly ok: true }> | {
  readonly ok: true;
  /** Whether the upstream was told to push no more; null where there is no way to tell it. */
  readonly keysWithdrawn: boolean | null;
};

/** What is done to registered services. `by` is the key id of who asks, for the audit log. */
export type ServiceAdministration = {
  /** Asks for a pull at once, of everything when `full`; answers before it ran. */
  requestSync(serviceId: string, request: { readonly full: boolean; readonly by: string | null }): Promise<AdministrationResult>;
  /** From then on the hub calls the service no more. What it pushes is taken in all the same. */
  pause(serviceId: string, by: string | null): Promise<AdministrationResult>;
  resume(serviceId: string, by: string | null): Promise<AdministrationResult>;
  /** Tries the new configuration before the old one goes; a failure leaves all as it was. */
  update(serviceId: string, update: ServiceUpdate, asker: Asker): Promise<AdministrationResult>;
  /** Exchanges a new secret for pushes. The one before is good for a while. */
  rotatePushSecret(serviceId: string, asker: Asker): Promise<AdministrationResult>;
  /**
   * A service that is removed already, with its data kept, can be removed again with its data. `force`: also where a subgraph
   * has something under way with it, such as refunds that are due, and says so by a code of its own.
   */
  remove(serviceId: string, request: { readonly withData: boolean; readonly force?: boolean; readonly by: string | null }): Promise<RemovalResult>;
};

export type IngestPort = {
  readonly products: readonly string[];
  register(registration: Registration): Promise<RegistrationResult>;
  /** Goes as far as a registration does before it stores or tells anything, and shows what it found. */
  preview(registration: Registration): Promise<Preview>;
  /**
   * Asks for a pull at once; answers before it ran. `full`: everything is read anew, while what is known is served on. What
   * is counted stays counted; what the upstream took back it says by its facts, and what it tells no more stays.
   */
  syncNow(serviceId: string, options?: { readonly full?: boolean }): Promise<void>;
  /**
   * Tries rejected records of these ids, or all, again. Those that succeed are facts and rejected no more; those that fail
   * again stay with the new reason. Throws SERVICE_UNKNOWN and what the service's connector throws. `by` is the key id of who
   * asks, for the audit log.
   */
  retryRejected(serviceId: string, ids: readonly string[] | null, by: string | null): Promise<RetryReport>;
  readonly administration: ServiceAdministration;
  /**
   * What is needed to call a registered service outside of its pulls, over the same connections, circuits and budget.
   * Throws SERVICE_UNKNOWN, SERVICE_PAUSED, and SERVICE_MISCONFIGURED where its settings do not fit its product any more.
   */
  connect(serviceId: string, signal: AbortSignal): Promise<ConnectorContext>;
  /** Takes in what a service answered, as if it had pushed it. Resolves after the commit, when no cached answer is older. */
  takeIn(serviceId: string, facts: readonly Fact[]): Promise<void>;
  /** Appends domain events in the caller's transaction, with the jobs of whoever reacts to them; of no service unless one is given. */
  record(em: EntityManager, happened: readonly NewDomainEvent[], serviceId?: string | null): Promise<DomainEvent[]>;
  /** To be awaited after that transaction's commit: from then on no cached answer says what was so before, and whoever listens is told. */
  announce(events: readonly DomainEvent[]): Promise<void>;
};

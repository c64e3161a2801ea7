/** What subgraphs ask of ingestion. main.ts hands it in, so that neither room imports the other. */
import type { ConnectorContext, Credentials, Rejected } from './connector.ts';
import type { EntityManager } from './database.ts';
import type { DomainEvent, NewDomainEvent } from './domain-events.ts';
import type { Fact } from './facts.ts';

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
  /** Key id of who registers. */
  readonly by: string | null;
};

/** The steps of a registration, in their order. */
export const registrationSteps = ['SETTINGS', 'HEALTH_CHECK', 'SAMPLE', 'INITIAL_SYNC', 'KEY_EXCHANGE'] as const;
export type RegistrationStep = (typeof registrationSteps)[number];

export type RegistrationResult =
  | { readonly ok: true; readonly serviceId: string }
  /** Nothing was stored. `field` is the input field at fault. */
  | { readonly ok: false; readonly step: RegistrationStep; readonly code: string; readonly message: string; readonly field: string };

/** What a registration would bring. */
export type Preview = {
  /** At most 100 of each kind, with participants hashed. */
  readonly facts: readonly Fact[];
  readonly factCount: number;
  /** At most 100, with the records as they came. */
  readonly rejected: readonly Rejected[];
  readonly rejectedCount: number;
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
   * again stay with the new reason. Throws SERVICE_UNKNOWN and what the service's connector throws.
   */
  retryRejected(serviceId: string, ids: readonly string[] | null): Promise<RetryReport>;
  /**
   * What is needed to call a registered service outside of its pulls, over the same connections, circuits and budget.
   * Throws SERVICE_UNKNOWN, and SERVICE_MISCONFIGURED where its settings do not fit its product any more.
   */
  connect(serviceId: string, signal: AbortSignal): Promise<ConnectorContext>;
  /** Takes in what a service answered, as if it had pushed it. Resolves after the commit, when no cached answer is older. */
  takeIn(serviceId: string, facts: readonly Fact[]): Promise<void>;
  /** Appends domain events of no service in the caller's transaction, with the jobs of whoever reacts to them. */
  record(em: EntityManager, happened: readonly NewDomainEvent[]): Promise<DomainEvent[]>;
  /** To be awaited after that transaction's commit: from then on no cached answer says what was so before, and whoever listens is told. */
  announce(events: readonly DomainEvent[]): Promise<void>;
};

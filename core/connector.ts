/**
 * A connector turns one upstream product's data into facts. Ingestion runs it; it knows neither the database nor
 * the schedule. One connector serves every registered instance (a row) of its product.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { Fact } from './facts.ts';
import type { UpstreamHttp } from './upstream-http.ts';

/** One registered instance, with credentials decrypted for the length of one call. */
export type ServiceConnection<Settings = unknown> = {
  readonly serviceId: string;
  readonly serviceName: string;
  /** `webhook` is where the upstream is to push to: the hub's own door for this service, with its token. */
  readonly endpoints: { readonly api: string; readonly webhook: string | null; readonly healthCheck: string };
  readonly credentials: Credentials;
  /** The product's own settings, parsed by `connector.settings`. */
  readonly settings: Settings;
  /** Secret shared with the upstream when keys are exchanged; signs its pushes. */
  readonly pushSecret: string;
  /** The registration's JSON Schema, for products whose records are held to it. */
  readonly dataSchema?: Readonly<Record<string, unknown>> | null;
  /** All that a push may be signed with: this one, and while keys are rotated the one that follows or went before. See `isOneOf` in secrets.ts. */
  readonly pushSecrets: readonly string[];
};

/** What the hub signs in with (core/upstream-credentials.ts), and what its upstream signs pushes with. */
export type Credentials = SignIn & {
  /** Signs the upstream's pushes, where the upstream chose it; else `pushSecret` does. */
  readonly webhookSecret?: string;
};

export type SignIn = { readonly type: 'none' } | ApiKeyCredentials | JwtCredentials | OAuth2Credentials;

/** Sent in the header `header` (`Authorization` unless given) behind `prefix`, or in the query parameter `parameter`. */
export type ApiKeyCredentials = { readonly type: 'api_key'; readonly apiKey: string; readonly header?: string; readonly prefix?: string; readonly parameter?: string };

/** A token that was given, or how to sign one for each use. */
export type JwtCredentials = { readonly type: 'jwt'; readonly token: string } | { readonly type: 'jwt'; readonly sign: JwtSigning };

export const jwtAlgorithms = ['HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

export type JwtSigning = {
  readonly algorithm: JwtAlgorithm;
  /** The shared secret of HS*, else the private key as PEM or JWK. */
  readonly key: string;
  readonly keyId?: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly audience?: string;
  /** Seconds that a token is good for. */
  readonly lifetime: number;
};

/** OAuth 2.0 client credentials (RFC 6749, 4.4). */
export type OAuth2Credentials = {
  readonly type: 'oauth2';
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenUrl: string;
  readonly scope?: string;
  readonly audience?: string;
  /** How the client tells who it is (RFC 6749, 2.3.1); by HTTP Basic unless given. */
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post';
};

export type ConnectorContext<Settings = unknown> = {
  readonly service: ServiceConnection<Settings>;
  /** Every call to the upstream goes through this: timeout, retry, `Retry-After`, circuit breaker, bounded body. */
  readonly http: UpstreamHttp;
  /** The same for another host that the product needs (a payment provider, a geocoder): one that fails does not open the circuit of another. */
  readonly httpFor: (name: string) => UpstreamHttp;
  /** Keyed hash of whatever names a person or ticket upstream. The raw value must not leave the connector. */
  readonly hashParticipant: (raw: string) => string;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** Only a look is wanted: the first page of each list is enough. */
  readonly preview?: boolean;
};

/**
 * What an upstream said that could not be made a fact: kept, with the reason, so that nothing is lost in silence.
 *
 * `upstreamId` is what `rejectedName` calls the fact that it would have been (`checkIn:<id>`, `pretix.order:<code>`): a fact of that name that is taken in later takes the record out. `raw` is what `translateAgain` needs, 64 KB of JSON at
 * most, and is kept encrypted; null where only the upstream can tell it again.
 */
export type Rejected = {
  readonly upstreamId: string;
  readonly reason: string;
  readonly raw: unknown;
  /** When the upstream told it; now unless given. `translateAgain` is given it: what tells no time of its own was so then, and not at the time of the retry. */
  readonly readAt?: Date;
};

export type Batch = {
  readonly facts: readonly Fact[];
  readonly rejected: readonly Rejected[];
  /** Where the next pull goes on; stored in the batch's own transaction. Opaque to ingestion. */
  readonly cursor: unknown;
  /** Of a pull's last batch: false where something was not read since the beginning yet and is left to later pulls, as calls ran out. A reading of everything ends only with a pull that leaves nothing. */
  readonly complete?: boolean;
};

export type Push = { readonly headers: IncomingHttpHeaders; readonly query: Readonly<Record<string, string | undefined>>; readonly body: Buffer };

/**
 * What a push was worth. `facts`: a verified push that carries facts. `hint`: something changed, ask the upstream
 * (a pull is run at once, and once more after each of so many seconds where its reads lag behind its pushes). A push
 * that fails verification throws a PushError: either its signature is checked, or, where the product signs nothing, the
 * token in the URL (`pushToken`).
 */
export type PushResult = { readonly kind: 'facts'; readonly facts: readonly Fact[]; readonly rejected: readonly Rejected[] } | { readonly kind: 'hint'; readonly againAfter?: readonly number[] };

export type CallBudget = { readonly calls: number; readonly seconds: number };

export interface Connector<Settings = unknown> {
  /** `gatekeeper`, `pretix`: also the folder's name and the value of `EventService.product`. */
  readonly product: string;
  readonly settings: z.ZodType<Settings>;
  /** Paths in `settings`, such as `payments.secretKey`, whose values are secret: encrypted at rest and never shown. Each is sent only to hosts that are named in the object that holds it: another one there needs it given anew. */
  readonly secretSettings?: readonly string[];
  /** Throws an UpstreamError unless the upstream says that it is well. */
  checkHealth(context: ConnectorContext<Settings>): Promise<void>;
  /** A sample of the upstream's data as it came, for validation against the registration's `dataSchema`; undefined where there is none yet. */
  fetchSample(context: ConnectorContext<Settings>): Promise<unknown>;
  /** Tells the upstream where to push and with which secret. Absent where the product has nothing of the kind. */
  exchangeKeys?(context: ConnectorContext<Settings>): Promise<void>;
  /** Undoes an `exchangeKeys` with the same endpoints and secret, when the service is removed or has newer keys. Absent where there is nothing to undo. */
  withdrawKeys?(context: ConnectorContext<Settings>): Promise<void>;
  /**
   * Whether a person has to tell the upstream where to push, and the token of that address is what verifies its pushes:
   * then the address is told, once, to whoever registers the service or rotates its secret. Absent: nobody has to.
   */
  needsPushUrl?(settings: Settings): boolean;
  /** How many calls the upstream allows in so many seconds. Absent or null: as many as are needed. */
  budget?(settings: Settings): CallBudget | null;
  /**
   * Tries again what was rejected, after whatever was wrong is mended. Absent where a record alone is not enough: then
   * the whole service is read anew.
   */
  translateAgain?(context: ConnectorContext<Settings>, records: readonly Rejected[]): Promise<Pick<Batch, 'facts' | 'rejected'>>;
  /** Everything since `cursor` (null: from the beginning), in batches of some hundreds to thousands of facts. */
  pull(context: ConnectorContext<Settings>, cursor: unknown): AsyncIterable<Batch>;
  /** Turns a push into facts or a hint. Absent where the product cannot push. */
  receive?(context: ConnectorContext<Settings>, push: Push): Promise<PushResult>;
}

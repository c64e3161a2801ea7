import type { Viewer } from '#core/viewer.ts';

/** One GraphQL request, as any door hands it to the gateway. */
export type GatewayRequest = {
  readonly query?: string | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
  readonly viewer: Viewer;
  readonly requestId: string;
  /** Whether the client takes an answer in parts (`@defer`). */
  readonly inParts?: boolean;
  /** What an admin wants to know about how the answer was made: see `observe/requested-trace.ts`. */
  readonly wantedTrace?: unknown;
  /** When the client stops waiting, in milliseconds of `Date.now()`. */
  readonly deadline?: number | undefined;
  /** Aborted when the client went away. */
  readonly signal: AbortSignal;
};

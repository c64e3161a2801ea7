/**
 * Every error that can reach a caller, in one file.
 *
 * Callers and tests rely on `code`, never on the words. Codes are stable; HTTP status numbers belong to the door
 * that answers, not here.
 */

/** Facts that help the caller to mend the mistake. Never a secret, never a stack. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export class EventgraphError extends Error {
  readonly code: string;
  readonly facts: ErrorFacts;

  constructor(code: string, message: string, facts: ErrorFacts = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/** The hub cannot start as configured. `variable` names the environment variable at fault, when there is one. */
export class ConfigError extends EventgraphError {
  constructor(message: string, facts: ErrorFacts & { variable?: string } = {}) {
    super('CONFIG_INVALID', message, facts);
  }
}

/** Input that a caller can mend. `field` is the path of the field at fault, e.g. `input.eventPeriod.end`. */
export class InputError extends EventgraphError {
  readonly field: string;

  constructor(code: string, field: string, message: string, facts: ErrorFacts = {}) {
    super(code, message, { field, ...facts });
    this.field = field;
  }
}

/** No viewer, or credentials that are not known, expired or revoked. */
export class UnauthenticatedError extends EventgraphError {
  constructor(message = 'A valid API key is needed.', facts: ErrorFacts = {}) {
    super('UNAUTHENTICATED', message, facts);
  }
}

/** A known viewer who may not do or see this. The message never says whether the thing exists. */
export class ForbiddenError extends EventgraphError {
  constructor(message = 'The key does not allow this.', facts: ErrorFacts = {}) {
    super('FORBIDDEN', message, facts);
  }
}

export class NotFoundError extends EventgraphError {
  constructor(what: string, id: string) {
    super('NOT_FOUND', `There is no ${what} ${JSON.stringify(id)}.`, { what, id });
  }
}

/** Why a call to an upstream failed. */
export type UpstreamReason =
  | 'timeout'
  | 'unreachable'
  | 'status'
  | 'not_json'
  | 'too_large'
  | 'shape'
  | 'rate_limited'
  | 'circuit_open'
  /** The hub's own budget of calls for this upstream is used up for now. */
  | 'budget_spent'
  | 'forbidden_address';

/** An upstream that does not answer, or answers something that it does not document. */
export class UpstreamError extends EventgraphError {
  readonly reason: UpstreamReason;
  /** Milliseconds to wait before the next try, when the upstream said so. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: UpstreamReason, message: string, facts: ErrorFacts & { retryAfterMs?: number } = {}, options?: ErrorOptions) {
    super(`UPSTREAM_${reason.toUpperCase()}`, message, facts, options);
    this.reason = reason;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** A push whose signature, timestamp or shape is wrong. Nothing of it was stored. */
export class PushError extends EventgraphError {
  constructor(code: 'PUSH_SIGNATURE_INVALID' | 'PUSH_TIMESTAMP_INVALID' | 'PUSH_MALFORMED' | 'PUSH_TOO_LARGE', message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
  }
}

/** True for errors whose message was written for callers. Everything else is masked as INTERNAL_SERVER_ERROR. */
export const isPublicError = (error: unknown): error is EventgraphError => error instanceof EventgraphError;

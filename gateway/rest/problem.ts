/**
 * Mistakes as `application/problem+json` (RFC 9457): the one place where codes become statuses of REST.
 */
import { STATUS_CODES } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';

export const problemType = 'application/problem+json';

export type FieldError = { readonly field: string; readonly code: string; readonly message: string };

export type Problem = {
  /** `urn:eventgraph:problem:` and the code; equal for equal mistakes. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong here and what to do. */
  readonly detail: string;
  /** Path of the request. */
  readonly instance: string;
  /** The stable code. */
  readonly code: string;
  /** For the hub's log. */
  readonly requestId: string;
  /** The parameter or body field at fault, where it is one. */
  readonly field?: string;
  readonly errors?: readonly FieldError[];
  /** What else the refusal tells: the limit, its value and maximum, a time to wait. */
  readonly [fact: string]: unknown;
};

/** A mistake that is answered as a problem. */
export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: string, detail: string, facts: Readonly<Record<string, unknown>> = {}, status = statusOfCode(code)) {
    super(detail);
    this.name = 'ProblemError';
    this.code = code;
    this.status = status;
    this.facts = facts;
  }
}

const statuses: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  BODY_NOT_JSON: 400,
  BODY_MISSING: 400,
  IDEMPOTENCY_KEY_INVALID: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNAUTHORIZED_FIELD_OR_TYPE: 403,
  TIER_TOO_LOW: 403,
  EVENT_NOT_ALLOWED: 403,
  EVENT_ACCESS_TOO_WIDE: 403,
  NOT_FOUND: 404,
  PATH_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  EVENT_ID_TAKEN: 409,
  IDEMPOTENCY_KEY_IN_USE: 409,
  IDEMPOTENCY_OUTCOME_UNKNOWN: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  COST_EXCEEDED: 422,
  SLICING_ARGUMENT_REQUIRED: 422,
  TOO_MANY_OPERATIONS: 429,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  SERVER_GOING_AWAY: 503,
  SUBREQUEST_TIMEOUT: 504,
  SUBREQUEST_OVERLOADED: 503,
  SUBREQUEST_CIRCUIT_OPEN: 503,
  SUBREQUEST_HTTP_ERROR: 502,
  SUBREQUEST_FAILED: 502,
  SUBREQUEST_MALFORMED_RESPONSE: 502,
  SUBREQUEST_RESPONSE_TOO_LARGE: 502,
};

/** Of an error that refuses or fails a request: a code that names a field is of a value that was understood and cannot be used, every other one our own. */
const statusOfCode = (code: string, field?: unknown): number => statuses[code] ?? (typeof field === 'string' ? 422 : 500);

/** Of a payload's `userErrors`: the request was understood, and cannot be done as it is. */
const statusOfUserError = (code: string): number => {
  const status = statuses[code];
  return status !== undefined && status < 500 ? status : 422;
};

export const problemOf = ({ code, status, message, facts }: ProblemError, instance: string, requestId: string): Problem => ({
  type: `urn:eventgraph:problem:${code.toLowerCase().replaceAll('_', '-')}`,
  title: titleOf(code, status),
  status,
  detail: message,
  instance,
  code,
  requestId,
  ...facts,
});

const titleOf = (code: string, status: number): string => {
  if (status >= 500 || code === 'BAD_REQUEST') return STATUS_CODES[status] ?? code;
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Names what an error says of the operation's arguments as clients know it. */
export type NameField = (argument: string) => string;

/** What a client is told of the errors of an answer: the first one's code decides. */
export const problemOfErrors = (errors: readonly GraphQLFormattedError[], nameField: NameField): ProblemError => {
  const [first] = errors;
  // Which subgraph failed is no business of a client that knows paths only.
  const { code, field, serviceName: _, ...facts } = { code: 'INTERNAL_SERVER_ERROR', ...first?.extensions } as { code: string; field?: unknown; serviceName?: unknown };
  const name = typeof field === 'string' ? nameField(field) : undefined;
  return new ProblemError(code, first?.message ?? 'Something went wrong on our side.', { ...facts, ...(name === undefined ? {} : { field: name }) }, statusOfCode(code, field));
};

export type UserError = { readonly code: string; readonly field?: string | null; readonly message: string };

export const problemOfUserErrors = (userErrors: readonly UserError[], nameField: NameField): ProblemError | null => {
  const [first] = userErrors;
  if (!first) return null;
  const errors = userErrors.map(({ code, field, message }) => ({ code, field: nameField(field ?? ''), message }));
  const field = errors[0]?.field;
  return new ProblemError(first.code, first.message, { ...(field ? { field } : {}), errors }, statusOfUserError(first.code));
};

/**
 * What a caller is told when something goes wrong: a code, words written for callers, and nothing of our insides.
 */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { EventgraphError, isPublicError } from '#core/errors.ts';

export type ResponsePath = readonly (string | number)[];

/** Told about errors that callers must not see. `reference` is what the caller was given to quote. */
export type ReportError = (error: unknown, reference: string) => void;

/**
 * Errors that one answer tells. An entity stands at any number of places, and an error of it at each; looking for them
 * and telling them all could take without end.
 */
export const maxErrorsTold = 10_000;

/** A request refused before execution: several errors, no data (GraphQL specification, 7.1 "request error"). */
export class RequestRefused extends EventgraphError {
  readonly errors: readonly GraphQLFormattedError[];
  /** For clients over HTTP. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(errors: readonly GraphQLFormattedError[], headers: Readonly<Record<string, string>> = {}) {
    super(String(errors[0]?.extensions?.['code'] ?? 'BAD_REQUEST'), errors[0]?.message ?? 'The request was refused.');
    this.errors = errors;
    this.headers = headers;
  }
}

export const refuse = (code: string, message: string, facts: Readonly<Record<string, unknown>> = {}): RequestRefused =>
  new RequestRefused([{ message, extensions: { code, ...facts } }]);

/** The same error as graphql-js made it while parsing or validating, with our code. */
export const withCode = (error: GraphQLError, code: string): GraphQLFormattedError => ({
  message: error.message,
  ...(error.locations ? { locations: error.locations } : {}),
  ...(error.path ? { path: error.path } : {}),
  extensions: { ...error.extensions, code },
});

/**
 * An error for the caller. `EventgraphError` and a GraphQLError that somebody wrote for callers are passed on; everything
 * else is masked and reported with a reference, so that a log line can be found and no stack or query text leaks.
 */
export const formatError = (error: unknown, requestId: string, report?: ReportError): GraphQLFormattedError => {
  const path = error instanceof GraphQLError && error.path ? { path: error.path } : {};
  const cause = causeOf(error);
  if (isPublicError(cause)) {
    // The words are for callers; what lies behind them is for whoever runs the hub.
    if (cause.cause !== undefined) report?.(cause, requestId);
    return { message: cause.message, ...path, extensions: { ...cause.facts, code: cause.code } };
  }
  if (cause instanceof GraphQLError) return { message: cause.message, ...path, extensions: withoutStack(cause.extensions) };
  report?.(cause, requestId);
  return { message: 'Something went wrong on our side.', ...path, extensions: { code: 'INTERNAL_SERVER_ERROR', requestId } };
};

/**
 * graphql-js refuses values of variables and arguments in words only: `Variable "$input" got invalid value 7 at
 * "input.name"; …`, `Argument "from" has invalid value "x".`. With a code and the field that is named there.
 */
export const inputError = (error: GraphQLFormattedError): GraphQLFormattedError | null => {
  const field = / at "([^"]*)"; /.exec(error.message)?.[1] ?? /^(?:Variable "\$|Argument ")([^"]*)"/.exec(error.message)?.[1];
  return field === undefined ? null : { ...error, extensions: { ...error.extensions, code: 'BAD_USER_INPUT', field } };
};

/** The errors of a request, whatever was thrown. */
export const formatThrown = (error: unknown, requestId: string, report?: ReportError): readonly GraphQLFormattedError[] =>
  error instanceof RequestRefused ? error.errors : [formatError(error, requestId, report)];

/** graphql-js wraps what a resolver throws; the innermost error decides what may be shown. */
const causeOf = (error: unknown): unknown => {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
};

/** Extensions that subgraphs add for developers and that must not travel on. */
export const withoutStack = (extensions: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const { stacktrace: _stacktrace, exception: _exception, ...rest } = extensions;
  return rest;
};

/**
 * One REST request: parameters → variables → the same admission and gateway as GraphQL → the body that clients read.
 * Knows nothing of the server.
 */
import type { Logger } from '#core/logging.ts';
import { type Viewer, rightsOf } from '#core/viewer.ts';
import type { Answer } from '../answer.ts';
import type { Admission, Admitted } from '../doors/admission.ts';
import type { Gateway } from '../index.ts';
import { cachingHeaders, isKnown } from '../doors/http-caching.ts';
import { checkEvent } from './access.ts';
import { type Claim, type IdempotencyKeys, keyInHeader } from './idempotency.ts';
import { linkHeader } from './link-header.ts';
import { type ReadVariables, type Sent, compileParameters } from './parameters.ts';
import { type NameField, ProblemError, type UserError, problemOfErrors, problemOfUserErrors } from './problem.ts';
import { type RestResponse, jsonType, notStored, responseTo, success } from './response.ts';
import { type Route, nameOf } from './route.ts';

export type RestRequest = {
  readonly sent: Sent;
  /** Path and query string. */
  readonly url: string;
  readonly viewer: Viewer;
  readonly address: string;
  readonly requestId: string;
  /** Aborted when the client went away. */
  readonly signal: AbortSignal;
  /** The header `Idempotency-Key`, as it came. */
  readonly idempotencyKey: unknown;
  /** The header `If-None-Match`. */
  readonly ifNoneMatch: string | undefined;
};

export type ServeOptions = { readonly gateway: Gateway; readonly admission: Admission; readonly idempotency: IdempotencyKeys; readonly logger: Logger };

/** Never rejects. */
export type Serve = (request: RestRequest) => Promise<RestResponse>;

const queryTimeMs = 60_000;

export const createServe = (route: Route, options: ServeOptions): Serve => {
  const readVariables: ReadVariables = compileParameters(route);
  const nameField = fieldNames(route);
  const { gateway, admission, logger } = options;

  const execute = async ({ asked, settle }: Admitted, request: RestRequest): Promise<Answer> => {
    const answer = await gateway.answer({ ...asked, viewer: request.viewer, requestId: request.requestId, signal: signalFor(route, request), deadline: route.kind === 'query' ? Date.now() + queryTimeMs : undefined });
    settle(answer);
    return answer;
  };

  // An answer that was kept is the same bytes again, and so is the body made of it.
  const bodies = new WeakMap<Buffer, string>();
  const bodyOf = async (answer: Answer, data: unknown): Promise<string> => {
    const known = bodies.get(answer.bytes);
    const body = known ?? JSON.stringify(await route.mapping(data));
    if (known === undefined && answer.freshness) bodies.set(answer.bytes, body);
    return body;
  };

  const respond = async (answer: Answer, request: RestRequest, headers: Readonly<Record<string, string>>): Promise<RestResponse> => {
    if (answer.errors.length > 0) throw problemOfErrors(answer.errors, nameField);
    const data = answer.result.data ?? {};
    const mistake = problemOfUserErrors(userErrorsIn(data), nameField);
    if (mistake) throw mistake;
    if (route.found && data[route.found] === null) throw new ProblemError('NOT_FOUND', `There is no such ${route.found}.`, route.event ? { field: nameOf(route, route.event) } : {});
    const link = route.page ? linkHeader(request.url, data[route.page]) : null;
    const all = { ...headers, ...(link ? { link } : {}) };
    if (route.method !== 'GET') return success(route.status, all, await bodyOf(answer, data));
    // The URL makes a difference: links name it.
    const caching = cachingHeaders(answer, request.viewer, `${route.name} ${request.url}`);
    if (isKnown(request.ifNoneMatch, caching)) return { status: 304, headers: { ...all, ...caching }, body: '' };
    return success(route.status, { ...all, ...caching }, await bodyOf(answer, data));
  };

  const run = async (admitted: Admitted, request: RestRequest): Promise<{ readonly wasExecuted: boolean; readonly response: RestResponse }> => {
    const answer = await execute(admitted, request);
    const response = await respond(answer, request, admitted.headers).catch((error: unknown) => responseTo(error, request, admitted.headers, logger));
    return { wasExecuted: answer.hasData, response };
  };

  /** Whoever repeats a request pays for it as for any other. */
  const runOnce = async (admitted: Admitted, request: RestRequest): Promise<RestResponse> => {
    const claim = await claimOf(route, request, admitted.asked.variables, options.idempotency);
    if (claim === null) return (await run(admitted, request)).response;
    if (claim.kind !== 'mine') return repeated(claim, admitted.headers);
    const { wasExecuted, response } = await run(admitted, request);
    await (wasExecuted ? keep(claim, response, request, logger) : claim.release());
    return response;
  };

  return async (request) => {
    let headers: Readonly<Record<string, string>> = {};
    try {
      const variables = readVariables(request.sent);
      checkEvent(route, variables, request.viewer);
      const admitted = await admission.admit({ query: route.text, operationName: null, variables, extensions: null }, request);
      headers = admitted.headers;
      return await runOnce(admitted, request);
    } catch (error) {
      return responseTo(error, request, headers, logger);
    }
  };
};

/** What a client goes away from is given up; not so what it may ask for again, under the same key. */
const signalFor = ({ kind }: Route, { signal, idempotencyKey }: RestRequest): AbortSignal => (kind === 'mutation' && idempotencyKey !== undefined ? never : signal);
const never = new AbortController().signal;

/** From where a value went to what the client called it: `input.endpoints.api` was given as `serviceEndpoint`. */
const fieldNames = ({ inputs }: Route): NameField => {
  const known = inputs.flatMap(({ name, variable, argument }) => [[variable, name] as const, ...(argument === null ? [] : [[argument, name] as const])]).sort(([a], [b]) => b.length - a.length);
  return (field) => {
    const found = known.find(([argument]) => field === argument || field.startsWith(`${argument}.`));
    return found ? found[1] + field.slice(found[0].length) : field;
  };
};

/** Mutations answer payloads with what a caller can mend. */
const userErrorsIn = (data: Readonly<Record<string, unknown>>): readonly UserError[] =>
  Object.values(data).flatMap((payload) => (payload as { readonly userErrors?: readonly UserError[] } | null)?.userErrors ?? []);

/** A client without an id of its own is its address. */
const clientOf = ({ viewer, address }: RestRequest): string => viewer.keyId ?? `address ${address}`;

/** Null where the request has no key, or can be repeated without one. */
const claimOf = async (route: Route, request: RestRequest, variables: unknown, keys: IdempotencyKeys): Promise<Claim | null> => {
  if (route.kind !== 'mutation' || request.idempotencyKey === undefined) return null;
  const key = keyInHeader(request.idempotencyKey);
  if (key === null) throw new ProblemError('IDEMPOTENCY_KEY_INVALID', 'An Idempotency-Key has 1 to 255 visible ASCII characters, without spaces, quotes and backslashes.', { field: 'Idempotency-Key' });
  // Tokens of one account can differ in what they may see of the answer.
  return keys.claim({ client: clientOf(request), path: request.url.split('?')[0] ?? '', key }, { variables, rights: rightsOf(request.viewer) });
};

const repeated = (claim: Exclude<Claim, { kind: 'mine' }>, headers: Readonly<Record<string, string>>): RestResponse => {
  if (claim.kind === 'done') return { status: claim.response.status, headers: { ...notStored, ...headers, 'content-type': claim.response.contentType, 'idempotency-replayed': 'true' }, body: claim.response.body };
  if (claim.kind === 'reused') throw new ProblemError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with other parameters, or with other rights. A new request needs a new key.', { field: 'Idempotency-Key' });
  if (claim.kind === 'running') throw new ProblemError('IDEMPOTENCY_KEY_IN_USE', 'The first request with this Idempotency-Key is still under way. Come again in a second.', { field: 'Idempotency-Key', retryAfter: 1 });
  throw new ProblemError('IDEMPOTENCY_OUTCOME_UNKNOWN', 'The first request with this Idempotency-Key was broken off; whether it was carried out is not known. Look, then use a new key.', { field: 'Idempotency-Key' });
};

/** What was executed is told whether or not it could be stored; the key is then never executed again. */
const keep = (claim: Extract<Claim, { kind: 'mine' }>, { status, headers, body }: RestResponse, { requestId }: RestRequest, logger: Logger): Promise<void> =>
  claim.finish({ status, contentType: headers['content-type'] ?? jsonType, body }).catch((error: unknown) => logger.error({ err: error, requestId }, 'an answer could not be stored under its idempotency key'));

/**
 * One HTTP request to a subgraph, and its answer, found to be a GraphQL response. This is the hottest
 * path of a gateway: undici is told where each piece goes, without a stream in between.
 */
import { type Dispatcher, Pool } from 'undici';
import { deadlineHeader } from '#core/deadline.ts';
import { viewerHeader } from '#core/viewer.ts';
import type { ReadAnswer } from './answer-reader.ts';
import type { SubgraphResult } from './data-source.ts';
import { type SubrequestError, malformed, refusedWith, tooLarge, unreachable } from '../resilience/failures.ts';

export type Outgoing = {
  readonly body: string;
  readonly requestId: string;
  readonly signature: string;
  readonly traceparent?: string | undefined;
  /** When the subgraph need not answer any more, in milliseconds of `Date.now()`. */
  readonly endsAt: number;
  /** Reads the body of an answer; throws for what is no JSON. */
  readonly read: ReadAnswer;
};

/** `body` is a GraphQL response as JSON, `parsed` what it was read to. */
export type Landed = { readonly body: Buffer; readonly read: ReadAnswer; parsed: SubgraphResult | null };

export type RemoteHttp = {
  /** Rejects with a SubrequestError, or with the signal's reason. */
  send(request: Outgoing, signal: AbortSignal): Promise<Landed>;
  readonly connections: number;
  close(): Promise<void>;
};

const connectTimeoutMs = 5_000;

/** Time limits are the caller's, by its signal; undici's own are off. */
export const createRemoteHttp = (url: URL, { connections, maxBytes }: { readonly connections: number; readonly maxBytes: number }): RemoteHttp => {
  const pool = new Pool(url.origin, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: connectTimeoutMs } });
  const path = url.pathname + url.search;
  return {
    send(request, signal) {
      const headers = ['content-type', 'application/json', 'accept', accepted, 'x-request-id', request.requestId, viewerHeader, request.signature, deadlineHeader, String(Math.max(1, Math.round(request.endsAt - Date.now())))];
      if (request.traceparent !== undefined) headers.push('traceparent', request.traceparent);
      return dispatch(pool, { path, method: 'POST', headers, body: request.body }, request.read, maxBytes, signal);
    },
    get connections() {
      return pool.stats.connected;
    },
    close: () => pool.destroy(),
  };
};

const accepted = 'application/graphql-response+json, application/json;q=0.9';

const dispatch = (pool: Pool, options: Dispatcher.DispatchOptions, read: ReadAnswer, maxBytes: number, signal: AbortSignal): Promise<Landed> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    let retryAfter: string | string[] | undefined;
    let connection: Dispatcher.DispatchController | null = null;
    const fail = (error: SubrequestError) => {
      signal.removeEventListener('abort', giveUp);
      reject(error);
    };
    const giveUp = () => {
      fail(signal.reason as SubrequestError);
      connection?.abort(signal.reason as Error);
    };
    const refuse = (error: SubrequestError) => {
      fail(error);
      connection?.abort(error);
    };
    signal.addEventListener('abort', giveUp);
    pool.dispatch(options, {
      onRequestStart(controller) {
        connection = controller;
        if (signal.aborted) controller.abort(signal.reason as Error);
      },
      onResponseStart(_controller, statusCode, headers) {
        if (statusCode < 200) return;
        status = statusCode;
        retryAfter = headers['retry-after'];
        if (Number(headers['content-length']) > maxBytes) refuse(tooLarge(maxBytes));
      },
      onResponseData(_controller, chunk) {
        size += chunk.length;
        if (size > maxBytes) refuse(tooLarge(maxBytes));
        else chunks.push(chunk);
      },
      onResponseEnd() {
        signal.removeEventListener('abort', giveUp);
        const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
        try {
          resolve({ body, read, parsed: interpret(status, () => read(body), retryAfter) });
        } catch (error) {
          reject(error as Error);
        }
      },
      onResponseError: (_controller, error) => fail(unreachable(error)),
    });
  });

/** A GraphQL response counts whatever its status: GraphQL over HTTP answers refused requests with 400. */
const interpret = (status: number, read: () => unknown, retryAfter: string | string[] | undefined): SubgraphResult => {
  const isSuccess = status >= 200 && status < 300;
  let json: unknown;
  try {
    json = read();
  } catch {
    throw isSuccess ? malformed('something that is not JSON', status) : refusedWith(status, millisecondsOf(retryAfter));
  }
  if (typeof json === 'object' && json !== null && ('data' in json || 'errors' in json)) return json as SubgraphResult;
  throw isSuccess ? malformed('JSON that is not a GraphQL response', status) : refusedWith(status, millisecondsOf(retryAfter));
};

/** `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3); undefined where it says nothing. */
const millisecondsOf = (retryAfter: string | string[] | undefined): number | undefined => {
  if (typeof retryAfter !== 'string') return undefined;
  const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(asked) ? undefined : Math.max(0, asked);
};

/**
 * A subgraph behind its own server: HTTP POST over kept connections for queries and mutations, `graphql-transport-ws`
 * for subscriptions. The viewer travels signed, as `x-eventgraph-viewer`.
 */
import { type ExecutionResult, OperationTypeNode } from 'graphql';
import { Pool } from 'undici';
import { EventgraphError, isPublicError } from '#core/errors.ts';
import { type Viewer, viewerHeader } from '#core/viewer.ts';
import type { DataSource, SubgraphRequest } from './data-source.ts';
import { createRemoteStreams } from './remote-streams.ts';

export type RemoteSubgraph = {
  /** Of `POST /graphql`; the WebSocket is at the same address. */
  readonly url: string;
  /** What the subgraph believes about the viewer; it must be able to check it. */
  readonly signViewer: (viewer: Viewer) => Promise<string> | string;
  /** For the whole answer of a query, in milliseconds. */
  readonly timeoutMs?: number;
  /** For the whole answer of a mutation: longer than the longest one takes, as one that was given up still happens. */
  readonly mutationTimeoutMs?: number;
  /** Largest answer, in bytes. */
  readonly maxBytes?: number;
  readonly connections?: number;
};

const defaults = { timeoutMs: 30_000, /* a registration has 60 s */ mutationTimeoutMs: 90_000, maxBytes: 32 * 1024 * 1024, connections: 64 };

export const createRemoteDataSource = (subgraph: RemoteSubgraph): DataSource => {
  const settings = { ...defaults, ...subgraph };
  const url = new URL(subgraph.url);
  const longest = Math.max(settings.timeoutMs, settings.mutationTimeoutMs);
  const pool = new Pool(url.origin, { connections: settings.connections, headersTimeout: longest, bodyTimeout: longest });
  const streams = createRemoteStreams(url, subgraph.signViewer, settings.timeoutMs);
  return {
    execute: (request) => post(pool, url, settings, request),
    subscribe: (request) => streams.subscribe(request),
    async close() {
      await Promise.all([streams.close(), pool.destroy()]);
    },
  };
};

type Settings = RemoteSubgraph & typeof defaults;

const post = async (pool: Pool, url: URL, settings: Settings, request: SubgraphRequest): Promise<ExecutionResult> => {
  // One clock over connecting, headers and body: an answer that drips for ever is as late as one that never starts.
  const timeoutMs = isMutation(request) ? settings.mutationTimeoutMs : settings.timeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await pool.request({
      path: url.pathname + url.search,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'x-request-id': request.requestId,
        [viewerHeader]: await settings.signViewer(request.viewer),
      },
      body: JSON.stringify({ query: request.operation.query, operationName: request.operation.name, variables: request.variables }),
      signal: AbortSignal.any([deadline, request.signal]),
    });
    return interpret(response.statusCode, await readBounded(response.body, settings.maxBytes));
  } catch (error) {
    if (isPublicError(error)) throw error;
    if (request.signal.aborted) throw new EventgraphError('SUBREQUEST_CANCELLED', 'The client went away.');
    if (deadline.aborted || isTimeout(error)) throw new EventgraphError('SUBREQUEST_TIMEOUT', `The subgraph did not answer within ${timeoutMs} ms.`, { timeoutMs });
    throw new EventgraphError('SUBREQUEST_HTTP_ERROR', 'The subgraph cannot be reached.', { reason: reasonOf(error) }, { cause: error });
  }
};

const isMutation = ({ operation }: SubgraphRequest): boolean => operation.kind === OperationTypeNode.MUTATION;

const reasonOf = (error: unknown): string => (error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown');
const isTimeout = (error: unknown): boolean => ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'].includes(reasonOf(error));

const readBounded = async (body: AsyncIterable<Buffer> & { destroy(): unknown }, maxBytes: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      throw new EventgraphError('SUBREQUEST_RESPONSE_TOO_LARGE', `The subgraph's answer is larger than ${maxBytes} bytes.`, { maxBytes });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
};

/** A GraphQL response counts whatever its status: GraphQL over HTTP answers refused requests with 400. */
const interpret = (status: number, text: string): ExecutionResult => {
  const isSuccess = status >= 200 && status < 300;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    if (!isSuccess) throw new EventgraphError('SUBREQUEST_HTTP_ERROR', `The subgraph answered ${status}.`, { status });
    throw new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', 'The subgraph answered something that is not JSON.', { status });
  }
  if (typeof json === 'object' && json !== null && ('data' in json || 'errors' in json)) return json as ExecutionResult;
  if (!isSuccess) throw new EventgraphError('SUBREQUEST_HTTP_ERROR', `The subgraph answered ${status}.`, { status });
  throw new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', 'The subgraph answered JSON that is not a GraphQL response.', { status });
};

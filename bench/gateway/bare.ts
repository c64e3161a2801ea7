/**
 * Program: what no gateway on Node can beat by much. It makes the fetches of a recorded plan, stage after stage, with the
 * recorded bodies, and answers a stored text: no GraphQL, nothing parsed, nothing merged.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { ready, settings } from './processes.ts';
import type { SubgraphName } from './schemas.ts';
import type { Recorded } from './subgraphs.ts';

export type BareSettings = {
  readonly urls: Readonly<Record<SubgraphName, string>>;
  readonly requests: readonly Recorded[];
  readonly answer: string;
};

const { urls, requests, answer } = settings() as BareSettings;
const pools = new Map(Object.entries(urls).map(([name, url]) => [name, new Pool(new URL(url).origin, { connections: 64 })]));
const stages: Recorded[][] = [];
for (const request of requests) (stages[request.stage] ??= []).push(request);
const headers = { 'content-type': 'application/json', accept: 'application/json' };

const fetchOne = async ({ subgraph, body }: Recorded): Promise<Buffer> => {
  const pool = pools.get(subgraph);
  if (!pool) throw new Error(`There is no subgraph ${subgraph}.`);
  const response = await pool.request({ path: '/graphql', method: 'POST', headers, body });
  return Buffer.from(await response.body.arrayBuffer());
};

const bytes = Buffer.from(answer);
const respond = async (response: ServerResponse): Promise<void> => {
  for (const stage of stages) await Promise.all(stage.map(fetchOne));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
};

const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (request: IncomingMessage, response: ServerResponse) => {
  request.resume();
  request.on('end', () => void respond(response));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);

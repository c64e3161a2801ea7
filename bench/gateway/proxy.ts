/** Program: passes the client's body on to one subgraph, and its answer back. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { ready, settings } from './processes.ts';

export type ProxySettings = { readonly url: string };

const upstream = new URL((settings() as ProxySettings).url);
const pool = new Pool(upstream.origin, { connections: 64 });
const headers = { 'content-type': 'application/json', accept: 'application/json' };

const pass = async (body: Buffer, response: ServerResponse): Promise<void> => {
  const answer = await pool.request({ path: upstream.pathname, method: 'POST', headers, body });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  response.writeHead(answer.statusCode, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
};

const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => void chunks.push(chunk));
  request.on('end', () => void pass(Buffer.concat(chunks), response));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);

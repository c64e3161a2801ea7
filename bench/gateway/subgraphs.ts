/**
 * Program: the four subgraphs in one process, each on a port of its own. Executed by graphql-js once for every different
 * request, and from then on answered from memory, so that a bench measures the gateway before them.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execute, parse } from 'graphql';
import { ready } from './processes.ts';
import { type SubgraphName, rootValue, subgraphNames, subgraphSchema } from './schemas.ts';

/** What a subgraph was asked while recording, and in which stage: what came before the first answer of its stage. */
export type Recorded = { readonly subgraph: SubgraphName; readonly stage: number; readonly body: string };

/** Answers kept; a thousand sets of variables, asked by several gateways in words of their own, fit in. */
const maxAnswers = 100_000;
/** Milliseconds that answers are held while recording: longer than a gateway needs to send all of a stage. */
const holdMs = 150;

const counts: Partial<Record<SubgraphName, number>> = {};
let recording: { readonly requests: Recorded[]; stage: number; held: Promise<void> | null } | null = null;

const answerer = (name: SubgraphName): ((body: string) => Promise<Buffer>) => {
  const schema = subgraphSchema(name);
  const answers = new Map<string, Promise<Buffer>>();
  const compute = async (body: string): Promise<Buffer> => {
    const { query, operationName, variables } = JSON.parse(body);
    return Buffer.from(JSON.stringify(await execute({ schema, document: parse(query), rootValue, operationName, variableValues: variables })));
  };
  return (body) => {
    const known = answers.get(body);
    if (known) return known;
    if (answers.size >= maxAnswers) answers.clear();
    const answer = compute(body);
    answers.set(body, answer);
    return answer;
  };
};

/** Notes a request, and answers when the stage it belongs to ends. */
const record = (subgraph: SubgraphName, body: string): Promise<void> => {
  const current = (recording ??= { requests: [], stage: 0, held: null });
  current.requests.push({ subgraph, stage: current.stage, body });
  return (current.held ??= new Promise((resolve) =>
    setTimeout(() => {
      current.stage++;
      current.held = null;
      resolve();
    }, holdMs),
  ));
};

const serve = (name: SubgraphName) => {
  const answer = answerer(name);
  const respond = async (body: string, response: ServerResponse): Promise<void> => {
    counts[name] = (counts[name] ?? 0) + 1;
    if (recording) await record(name, body);
    const bytes = await answer(body);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
    response.end(bytes);
  };
  return (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => void respond(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString(), response));
  };
};

const listen = async (name: SubgraphName): Promise<readonly [SubgraphName, string]> => {
  const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, serve(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return [name, `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`];
};

const urls = Object.fromEntries(await Promise.all(subgraphNames.map(listen)));
ready(JSON.stringify(urls), {
  /** Requests by subgraph since the last time this was asked. */
  counts: () => {
    const counted = { ...counts };
    for (const name of subgraphNames) counts[name] = 0;
    return counted;
  },
  record: () => void (recording = { requests: [], stage: 0, held: null }),
  recorded: () => {
    const requests = recording?.requests ?? [];
    recording = null;
    return requests;
  },
});

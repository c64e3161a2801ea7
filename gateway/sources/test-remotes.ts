/** For tests of remote data sources: each before a server that answers whatever it is told to. */
import type { SubgraphRequest } from './data-source.ts';
import { type RemoteDataSource, type RemoteSubgraph, createRemoteDataSource } from './remote-data-source.ts';
import { type Respond, type TroubledServer, response, serveBytes } from '../resilience/test-troubled-server.ts';
import { subgraphOperation } from './subgraph-operation.ts';
import { PlainVariables } from './subgraph-variables.ts';
import { viewerWith } from '../testing/kit.ts';

export type Asking = { readonly server: TroubledServer; readonly source: RemoteDataSource };

/** Opens sources that do not retry unless told so; `close` closes all that were opened so far. */
export const createRemotes = () => {
  const opened: { close(): Promise<void> }[] = [];
  return {
    asking: async (respond: Respond, settings: Partial<RemoteSubgraph> = {}): Promise<Asking> => {
      const server = await serveBytes(respond);
      const source = createRemoteDataSource({ url: server.url, signViewer: ({ keyId }) => `signed ${keyId}`, retries: 0, ...settings });
      opened.push(source, server);
      return { server, source };
    },
    close: async (): Promise<void> => {
      for (const each of opened.splice(0)) await each.close();
    },
  };
};

const list = subgraphOperation('{ list }');
export const rename = subgraphOperation('mutation { rename }');
/** A request for `{ list }`, unless changed. */
export const request = (change: Partial<SubgraphRequest> = {}): SubgraphRequest => ({ operation: list, variables: new PlainVariables({}), viewer: viewerWith('read_events'), requestId: 'r1', signal: new AbortController().signal, ...change });
export const withVariables = (values: Record<string, unknown>): SubgraphRequest => request({ variables: new PlainVariables(values) });
/** A good answer, as bytes, and as what it says. */
export const good = response('{"data":{"list":[1]}}');
export const answered = { data: { list: [1] } };

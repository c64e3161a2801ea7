/** Program: our gateway as an operator starts it, for a viewer without a key. */
import { readFileSync } from 'node:fs';
import { createLogger } from '#core/logging.ts';
import { publicViewer } from '#core/viewer.ts';
import { createHttpServer } from '#gateway/doors/http.ts';
import { createGateway } from '#gateway/index.ts';
import { createRemoteDataSource } from '#gateway/sources/remote-data-source.ts';
import { ready, settings } from './processes.ts';
import { profiling } from './profiling.ts';

export type Sharing = 'off' | 'fetches' | 'requests';
export type OursSettings = { readonly supergraphFile: string; readonly sharing: Sharing };

const { supergraphFile, sharing } = settings() as OursSettings;
const supergraph = readFileSync(supergraphFile, 'utf8');
const gateway = createGateway({
  supergraph,
  dataSources: (_, url) => createRemoteDataSource({ url, signViewer: () => 'public', shareFetches: sharing !== 'off' }),
  shareAnswers: sharing === 'requests',
});
const { app } = await createHttpServer({ gateway, identify: async () => publicViewer, logger: createLogger('warn') });
const origin = await app.listen({ host: '127.0.0.1', port: 0 });
ready(`${origin}/graphql`, profiling);

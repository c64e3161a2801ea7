/**
 * Makes another key with every permission and prints it, once: for a hub in roles, which has no data folder to keep
 * the first one in, and for an operator who lost it. Needs the roles' own DATABASE_URL, REDIS_URL and EVENTGRAPH_SECRET.
 */
import { readConfig } from '#core/config.ts';
import { EventgraphError } from '#core/errors.ts';
import { createLogger } from '#core/logging.ts';
import { issueAdminKey } from '#subgraphs/access/store.ts';
import { openFoundation } from '../hub/foundation.ts';
import { loadSubgraphs } from '../hub/subgraphs.ts';

const run = async (): Promise<void> => {
  await using stack = new AsyncDisposableStack();
  const config = readConfig(process.env);
  const { hub } = await openFoundation({ config, dataDir: null, publicUrl: config.publicUrl ?? '', allowPrivateUpstreams: false, logger: createLogger('warn'), subgraphs: await loadSubgraphs() }, stack);
  console.log((await issueAdminKey(hub.database.em(), hub)).apiKey);
};

await run().catch((error: unknown) => {
  console.error(error instanceof EventgraphError ? `eventgraph: ${error.message}` : error);
  process.exitCode = 1;
});

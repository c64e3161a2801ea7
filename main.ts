/**
 * Entry point: reads the environment, starts the roles of this process and stops them well.
 *
 *     node main.ts [--role gateway | worker | subgraph:<name>]
 */
import { parseArgs } from 'node:util';
import { readConfig } from '#core/config.ts';
import { ConfigError, EventgraphError } from '#core/errors.ts';
import { createLogger } from '#core/logging.ts';
import { printWelcome } from './hub/welcome.ts';
import { type HubProcess, type Role, startHub } from './hub/hub.ts';
import { startTracing } from './hub/tracing.ts';
import { builtExplorer } from './hub/explorer.ts';

const parseRole = (text: string | undefined): Role => {
  if (text === undefined || text === 'all') return { kind: 'all' };
  if (text === 'gateway' || text === 'worker') return { kind: text };
  const name = /^subgraph:([a-z][a-z0-9-]*)$/.exec(text)?.[1];
  if (name) return { kind: 'subgraph', name };
  throw new ConfigError(`There is no role ${text}. Roles are all, gateway, worker and subgraph:<name>.`);
};

/** Ends the process with one clear line for what the operator can mend, and the whole error for what not. */
const fail = (error: unknown): never => {
  console.error(error instanceof EventgraphError ? `eventgraph: ${error.message}` : error);
  process.exit(1);
};

/**
 * Ctrl-C under npm arrives twice, from the terminal and passed on by npm: what follows within a second is the same
 * wish. A later signal does not wait any longer.
 */
const untilSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    let since: number | null = null;
    const hear = (signal: NodeJS.Signals) => {
      if (since !== null && performance.now() - since > 1000) process.exit(1);
      since ??= performance.now();
      resolve(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, hear);
  });

const run = async (): Promise<void> => {
  const { values } = parseArgs({ options: { role: { type: 'string' } } });
  const config = readConfig(process.env);
  const tracing = startTracing(process.env, values.role ?? 'all');
  const logger = createLogger(config.logLevel);
  const stopped = untilSignal();
  const explorer = await builtExplorer();
  const hub: HubProcess = await startHub({ config, role: parseRole(values.role), logger, explorer });
  printWelcome(hub, config, explorer !== null);
  const signal = await stopped;
  logger.info({ signal }, 'stopping');
  await hub[Symbol.asyncDispose]();
  await tracing?.[Symbol.asyncDispose]();
  process.exit(0);
};

await run().catch(fail);

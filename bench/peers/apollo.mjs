/** Program: @apollo/gateway behind @apollo/server's own HTTP server, with nothing that reports, traces or counts. */
import { readFileSync } from 'node:fs';
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ready, settings } from '../gateway/processes.ts';

const silent = { debug() {}, info() {}, warn() {}, error: console.error };
const server = new ApolloServer({
  gateway: new ApolloGateway({ supergraphSdl: readFileSync(settings().supergraphFile, 'utf8'), logger: silent }),
  plugins: [ApolloServerPluginCacheControlDisabled()],
  introspection: false,
  logger: silent,
});
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
ready(url);

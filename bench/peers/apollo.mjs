/**
 * Program: @apollo/gateway in @apollo/server, with nothing that reports, traces or counts. Behind Fastify, where it is
 * a little faster than in the server it brings.
 */
import { readFileSync } from 'node:fs';
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { fastify } from 'fastify';
import { ready, settings } from '../gateway/processes.ts';

const silent = { debug() {}, info() {}, warn() {}, error: console.error };
const server = new ApolloServer({
  gateway: new ApolloGateway({ supergraphSdl: readFileSync(settings().supergraphFile, 'utf8'), logger: silent }),
  plugins: [ApolloServerPluginCacheControlDisabled()],
  introspection: false,
  logger: silent,
});
await server.start();
const app = fastify();
app.post('/graphql', fastifyApolloHandler(server));
const origin = await app.listen({ host: '127.0.0.1', port: 0 });
ready(`${origin}/graphql`);

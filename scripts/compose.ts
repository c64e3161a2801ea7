/**
 * `npm run compose`: composes supergraph.graphql from the subgraphs of supergraph.yaml. `--check` only compares and
 * fails when the committed file is stale. Errors and hints are shown with their subgraph and field.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { type GraphQLError, parse } from 'graphql';
import { listSubgraphs, root, supergraphFile } from '../hub/subgraphs.ts';

const services = listSubgraphs({}).map(({ name, routingUrl, schemaFile }) => ({ name, url: routingUrl, typeDefs: parse(readFileSync(join(root, schemaFile), 'utf8')) }));
const { errors, supergraphSdl, hints } = composeServices(services);

const describeError = (error: GraphQLError): string => `error ${String(error.extensions.code ?? '')}: ${error.message}`;
for (const error of errors ?? []) console.error(describeError(error));
for (const hint of hints ?? []) console.error(`hint ${hint.definition.code}${hint.coordinate ? ` at ${hint.coordinate}` : ''}: ${hint.message}`);
if (!supergraphSdl) process.exit(1);

const banner = '# Composed from supergraph.yaml by `npm run compose`. Do not edit.\n';
const composed = `${banner}${supergraphSdl.trimEnd()}\n`;
if (!process.argv.includes('--check')) writeFileSync(supergraphFile, composed);
else if (readFileSync(supergraphFile, 'utf8') !== composed) {
  console.error('supergraph.graphql is stale: run `npm run compose` and commit it.');
  process.exit(1);
}

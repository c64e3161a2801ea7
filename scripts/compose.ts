/**
 * `npm run compose`: writes the products' types into the schema of `events`, then composes supergraph.graphql from the
 * subgraphs of supergraph.yaml. `--check` only compares and fails when a committed file is stale. Errors and hints are
 * shown with their subgraph and field.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { composeServices } from '@apollo/composition';
import { type GraphQLError, parse } from 'graphql';
import { listSubgraphs, root, supergraphFile } from '../hub/subgraphs.ts';
import { withProductTypes } from './product-types.ts';

/** Writes the file, or only tells when it would have been written. */
const bring = (file: string, content: string): void => {
  if (!process.argv.includes('--check')) writeFileSync(file, content);
  else if (readFileSync(file, 'utf8') !== content) {
    console.error(`${relative(root, file)} is stale: run \`npm run compose\` and commit it.`);
    process.exit(1);
  }
};

const listed = listSubgraphs({}).map(({ schemaFile, ...rest }) => ({ ...rest, file: join(root, schemaFile), sdl: readFileSync(join(root, schemaFile), 'utf8') }));
const sdlOf = ({ name, sdl }: (typeof listed)[number]): string => (name === 'events' ? withProductTypes(sdl, listed.filter((each) => each.name !== name).map((each) => each.sdl)) : sdl);
for (const subgraph of listed) bring(subgraph.file, sdlOf(subgraph));

const services = listed.map((subgraph) => ({ name: subgraph.name, url: subgraph.routingUrl, typeDefs: parse(sdlOf(subgraph)) }));
const { errors, supergraphSdl, hints } = composeServices(services);

const describeError = (error: GraphQLError): string => `error ${String(error.extensions.code ?? '')}: ${error.message}`;
for (const error of errors ?? []) console.error(describeError(error));
for (const hint of hints ?? []) console.error(`hint ${hint.definition.code}${hint.coordinate ? ` at ${hint.coordinate}` : ''}: ${hint.message}`);
if (!supergraphSdl) process.exit(1);

const banner = '# Composed from supergraph.yaml by `npm run compose`. Do not edit.\n';
bring(supergraphFile, `${banner}${supergraphSdl.trimEnd()}\n`);

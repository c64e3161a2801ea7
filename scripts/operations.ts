/**
 * `npm run operations`: writes operations/manifest.json, the persisted operations of the hub in Apollo's format, from
 * operations/**\/*.graphql. `--check` only compares and fails when the committed file is stale. An operation that is not
 * valid against supergraph.graphql fails both.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, validate } from 'graphql';
import { manifestOf } from '../gateway/documents/manifest.ts';
import { readOperationFiles } from '../gateway/documents/operation-files.ts';
import { loadSupergraph } from '../gateway/supergraph.ts';
import { operationsFolder, supergraphFile } from '../hub/subgraphs.ts';

const manifestFile = join(operationsFolder, 'manifest.json');
const operations = readOperationFiles(operationsFolder);
const { apiSchema } = loadSupergraph(readFileSync(supergraphFile, 'utf8'));

const mistakes = operations.flatMap(({ file, body }) => validate(apiSchema, parse(body)).map(({ message }) => `error operations/${file}: ${message}`));
for (const mistake of mistakes) console.error(mistake);
if (mistakes.length > 0) process.exit(1);

const manifest = `${JSON.stringify(manifestOf(operations), null, 2)}\n`;
if (!process.argv.includes('--check')) writeFileSync(manifestFile, manifest);
else if (!existsSync(manifestFile) || readFileSync(manifestFile, 'utf8') !== manifest) {
  console.error('operations/manifest.json is stale: run `npm run operations` and commit it.');
  process.exit(1);
}

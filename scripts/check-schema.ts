/**
 * `npm run check:schema -- proposed.graphql [manifest.json …]`: which persisted operations a composed supergraph would
 * break. Looks at operations/, at the manifests that are named (in Apollo's format) and, with EVENTGRAPH_URL and
 * EVENTGRAPH_KEY (of an admin) set, at what clients published to that hub. Ends with 1 where something breaks, with 2
 * where it could not be found out.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type OperationMistake, type OwnedOperation, brokenAmong } from '#core/operations-port.ts';
import { createOperationCheck } from '#gateway/documents/operation-check.ts';
import { readOperationFiles } from '#gateway/documents/operation-files.ts';
import { loadSupergraph } from '#gateway/supergraph.ts';
import { operationsFolder } from '../hub/subgraphs.ts';

type Broken = { readonly client: string | null; readonly id: string; readonly name: string; readonly mistakes: readonly OperationMistake[] };

const manifest = z.object({ operations: z.array(z.object({ id: z.string(), name: z.string(), type: z.enum(['query', 'mutation', 'subscription']), body: z.string() })) });
const mistake = z.object({ code: z.string(), message: z.string(), line: z.number().nullable(), column: z.number().nullable(), field: z.string().nullable() });
const report = z.object({ data: z.object({ schemaCheck: z.object({ checked: z.number(), broken: z.array(z.object({ client: z.string().nullable(), id: z.string(), name: z.string(), mistakes: z.array(mistake) })) }) }) });

const checkFiles = async (supergraph: string, manifests: readonly string[]): Promise<{ checked: number; broken: readonly Broken[] }> => {
  const named = manifests.flatMap((file) => manifest.parse(JSON.parse(readFileSync(file, 'utf8'))).operations.map((each): OwnedOperation => ({ ...each, client: file })));
  const operations = [...readOperationFiles(operationsFolder).map(({ id, name, type, body }): OwnedOperation => ({ id, name, type, body, client: null })), ...named];
  const broken = await brokenAmong(operations, createOperationCheck(loadSupergraph(supergraph).apiSchema));
  return { checked: operations.length, broken: broken.map(({ operation: { client, id, name }, mistakes }) => ({ client, id, name, mistakes })) };
};

/** The hub looks at its own operations too; they are told once. */
const askHub = async (url: string, supergraph: string): Promise<{ checked: number; broken: readonly Broken[] }> => {
  const query = 'query SchemaCheck($supergraph: String!) { schemaCheck(supergraph: $supergraph) { checked broken { client id name mistakes { code message line column field } } } }';
  const response = await fetch(new URL('/graphql', url), { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${process.env.EVENTGRAPH_KEY ?? ''}` }, body: JSON.stringify({ query, variables: { supergraph } }) });
  const text = await response.text();
  const parsed = report.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  const { checked, broken } = parsed.data.data.schemaCheck;
  return { checked, broken: broken.filter(({ client }) => client !== null) };
};

const run = async ([file, ...manifests]: readonly string[]): Promise<number> => {
  if (file === undefined) throw new Error('name the composed supergraph: npm run check:schema -- supergraph.graphql [manifest.json …]');
  const supergraph = readFileSync(file, 'utf8');
  const url = process.env.EVENTGRAPH_URL;
  const reports = [await checkFiles(supergraph, manifests), ...(url ? [await askHub(url, supergraph)] : [])];
  if (!url) console.log('EVENTGRAPH_URL is not set: what clients published is not looked at.');
  const broken = reports.flatMap((each) => each.broken);
  for (const { client, id, name, mistakes } of broken) {
    console.log(`${client ?? 'operations/'}: ${name} (${id})`);
    for (const { message, line, column, field } of mistakes) console.log(`  ${line === null ? '' : `${line}:${column} `}${field === null ? '' : `${field}: `}${message}`);
  }
  console.log(`${broken.length} would break; ${reports.map(({ checked }) => checked).join(' and ')} looked at.`);
  return broken.length > 0 ? 1 : 0;
};

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

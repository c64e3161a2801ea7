/**
 * `npm run codegen`: writes the resolver types of every subgraph in supergraph.yaml to its `generated/types.ts`.
 * `--check` only compares, and fails when a committed file is stale.
 *
 * What a subgraph's resolvers get where it is not what the schema says (a row, an entry of the event log), its
 * `resolvers.ts` exports as a type: `Context`, and `<Type>Parent` for a type of the schema.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import { listSubgraphs, root } from './hub/subgraphs.ts';

const banner = '/** Generated from schema.graphql by `npm run codegen`. Do not edit. */';

const parentsOf = async (name: string): Promise<Record<string, string>> => {
  const source = await readFile(join(root, 'subgraphs', name, 'resolvers.ts'), 'utf8');
  const types = [...source.matchAll(/^export type (\w+)Parent\b/gm)].map(([, type]) => String(type));
  return Object.fromEntries(types.map((type) => [type, `../resolvers.ts#${type}Parent`]));
};

const outputOf = async ({ name, schemaFile }: { name: string; schemaFile: string }) => {
  const output = {
    schema: join(root, schemaFile),
    plugins: ['typescript', 'typescript-resolvers'],
    config: {
      federation: true,
      useTypeImports: true,
      emitLegacyCommonJSImports: false,
      enumsAsTypes: true,
      skipTypename: true,
      immutableTypes: true,
      // What has a default is always there.
      avoidOptionals: { defaultValue: true },
      contextType: '../resolvers.ts#Context',
      mappers: await parentsOf(name),
      maybeValue: 'T | null | undefined',
      inputMaybeValue: 'T | null | undefined',
      scalars: { ID: 'string', DateTime: 'Date', JSON: 'unknown' },
    },
  };
  return [`subgraphs/${name}/generated/types.ts`, output] as const;
};

const generates = Object.fromEntries(await Promise.all(listSubgraphs({}).map(outputOf)));
const files = (await generate({ silent: true, cwd: root, generates }, false)) as { filename: string; content: string }[];

const stale: string[] = [];
for (const { filename, content: types } of files) {
  const file = join(root, filename);
  const content = `${banner}\n${types.trim()}\n`;
  if ((await readFile(file, 'utf8').catch(() => null)) === content) continue;
  stale.push(filename);
  if (process.argv.includes('--check')) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`${stale.join(', ')}: stale. Run \`npm run codegen\` and commit.`);
  process.exitCode = 1;
}

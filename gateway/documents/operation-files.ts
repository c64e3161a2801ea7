/**
 * The hub's own operations: `operations/**\/*.graphql`, one named operation a file with the fragments it needs. Where
 * one is served over REST (`@rest`) is no part of the operation: the directive is handed over apart from it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type ConstDirectiveNode, type DirectiveNode, type DocumentNode, GraphQLError, Kind, type OperationDefinitionNode, type OperationTypeNode, parse, print } from 'graphql';
import { sha256Hex } from '#core/digest.ts';
import { ConfigError } from '#core/errors.ts';

export type OperationFile = {
  /** SHA-256 of the body, in hexadecimal. */
  readonly id: string;
  readonly name: string;
  readonly type: OperationTypeNode;
  /** The document printed, without `@rest`. */
  readonly body: string;
  /** Path below the folder, with `/`. */
  readonly file: string;
  /** Where it is served over REST; null where it is not. */
  readonly rest: DirectiveNode | ConstDirectiveNode | null;
};

/** Sorted by file. Throws ConfigError that names the file, or both files where two operations have one name. */
export const readOperationFiles = (folder: string): readonly OperationFile[] => {
  const files = graphqlFilesIn(folder).map((file) => readOperationFile(file, readFileSync(join(folder, file), 'utf8')));
  const byName = new Map<string, OperationFile>();
  for (const each of files) {
    const known = byName.get(each.name);
    if (known) throw new ConfigError(`The operations ${known.file} and ${each.file} have the same name ${each.name}; rename one of them.`, { files: [known.file, each.file], operation: each.name });
    byName.set(each.name, each);
  }
  return files;
};

/** A folder that does not exist has none. */
const graphqlFilesIn = (folder: string): readonly string[] => {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.graphql'))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** `file` is for messages. */
export const readOperationFile = (file: string, text: string): OperationFile => {
  const document = parseFile(file, text);
  const operation = onlyOperationOf(file, document);
  const name = operation.name?.value;
  if (name === undefined) throw new ConfigError(`The operation of ${file} has no name; give it one.`, { file });
  const [rest = null, another] = (operation.directives ?? []).filter(isRest);
  if (another) throw new ConfigError(`The operation ${name} of ${file} has @rest twice.`, { file, operation: name });
  const body = print(withoutRest(document));
  return { id: sha256Hex(body), name, type: operation.operation, body, file, rest };
};

const parseFile = (file: string, text: string): DocumentNode => {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof GraphQLError) throw new ConfigError(`${file} is not a GraphQL document: ${error.message} (line ${error.locations?.[0]?.line})`, { file });
    throw error;
  }
};

const onlyOperationOf = (file: string, { definitions }: DocumentNode): OperationDefinitionNode => {
  const stranger = definitions.find(({ kind }) => kind !== Kind.OPERATION_DEFINITION && kind !== Kind.FRAGMENT_DEFINITION);
  if (stranger) throw new ConfigError(`${file} has a ${stranger.kind}; it may hold one operation and its fragments.`, { file });
  const operations = definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  if (!operation || operations.length > 1) throw new ConfigError(`${file} has ${operations.length} operations; it must have one.`, { file });
  return operation;
};

const isRest = ({ name }: DirectiveNode): boolean => name.value === 'rest';

const withoutRest = (document: DocumentNode): DocumentNode => ({
  ...document,
  definitions: document.definitions.map((each) => (each.kind === Kind.OPERATION_DEFINITION ? { ...each, directives: each.directives?.filter((directive) => !isRest(directive)) } : each)),
});

/**
 * `@cacheControl` of a supergraph: read, and taken out, so that neither the planner nor clients see it.
 *
 * Subgraphs define the directive as Apollo Server documents it and compose it (`@composeDirective`) under a link whose
 * URL ends with `cacheControl` and a version.
 */
import { type ASTNode, type DirectiveNode, type DocumentNode, Kind, type SelectionSetNode, parse, print, valueFromASTUntyped, visit } from 'graphql';
import { hasFields } from '../plan/planner-supergraph.ts';

/** `maxAge` in seconds. */
export type Hint = { readonly maxAge?: number; readonly scope?: 'PUBLIC' | 'PRIVATE'; readonly inheritMaxAge?: boolean };

export type Hints = {
  readonly types: ReadonlyMap<string, Hint>;
  /** By coordinate, `Type.field`. */
  readonly fields: ReadonlyMap<string, Hint>;
  /** The keys of each entity type, in whichever subgraph. */
  readonly keys: ReadonlyMap<string, readonly SelectionSetNode[]>;
};

const directiveName = 'cacheControl';
const scopeName = 'CacheControlScope';

/** The supergraph without the directive, and what it said; the same text where it has none. */
export const takeHints = (sdl: string): { readonly sdl: string; readonly hints: Hints } => {
  const document = parse(sdl, { noLocation: true });
  const keys = keysIn(document);
  if (!document.definitions.some(isCacheLinked)) return { sdl, hints: { types: new Map(), fields: new Map(), keys } };
  const types = new Map<string, Hint>();
  const fields = new Map<string, Hint>();
  for (const definition of document.definitions) {
    if (!('directives' in definition) || !('name' in definition) || !definition.name) continue;
    note(types, definition.name.value, definition.directives);
    if (hasFields(definition)) for (const field of definition.fields ?? []) note(fields, `${definition.name.value}.${field.name.value}`, field.directives);
  }
  return { sdl: print(without(document)), hints: { types, fields, keys } };
};

const isLink = (directive: DirectiveNode): boolean => {
  const url = directive.name.value === 'link' ? directive.arguments?.find(({ name }) => name.value === 'url')?.value : undefined;
  return url?.kind === Kind.STRING && new RegExp(`/${directiveName}/v\\d[^/]*/?$`).test(url.value);
};

const isCacheLinked = (node: ASTNode): boolean => (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION) && (node.directives ?? []).some(isLink);

const note = (into: Map<string, Hint>, name: string, directives: readonly DirectiveNode[] | undefined): void => {
  const directive = directives?.find((each) => each.name.value === directiveName);
  if (directive) into.set(name, Object.fromEntries((directive.arguments ?? []).flatMap(({ name: { value: argument }, value }) => (value.kind === Kind.NULL ? [] : [[argument, valueFromASTUntyped(value)]]))) as Hint);
};

const without = (document: DocumentNode): DocumentNode =>
  visit(document, {
    Directive: (node) => (node.name.value === directiveName || isLink(node) ? null : undefined),
    DirectiveDefinition: (node) => (node.name.value === directiveName ? null : false),
    EnumTypeDefinition: (node) => (node.name.value === scopeName ? null : undefined),
  });

const keysIn = (document: DocumentNode): Hints['keys'] => {
  const keys = new Map<string, SelectionSetNode[]>();
  for (const definition of document.definitions) {
    if (!hasFields(definition)) continue;
    const texts = new Set((definition.directives ?? []).flatMap(keyIn));
    if (texts.size > 0) keys.set(definition.name.value, [...texts].map(fieldSet));
  }
  return keys;
};

const keyIn = (directive: DirectiveNode): readonly string[] => {
  const key = directive.name.value === 'join__type' ? directive.arguments?.find(({ name }) => name.value === 'key')?.value : undefined;
  return key?.kind === Kind.STRING ? [key.value] : [];
};

const fieldSet = (text: string): SelectionSetNode => {
  const [definition] = parse(`{${text}}`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new TypeError('A key is a selection.');
  return definition.selectionSet;
};

/**
 * Bounds on what one document may ask for, checked before validation, whose cost grows with the document.
 *
 * Each refusal names the limit, the value and the maximum, so that a caller knows what to change.
 */
import { type DocumentNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import { type RequestRefused, refuse } from './errors.ts';

export type Limits = {
  /** Characters of the document. */
  readonly maxDocumentLength: number;
  readonly maxTokens: number;
  /** Levels of fields, fragments followed. The widest introspection query in use has 15. Of braces, so many times `bracesPerLevel`. */
  readonly maxDepth: number;
  /** Fields with an alias, fragments followed. */
  readonly maxAliases: number;
  readonly maxRootFields: number;
  /** Fields after spreading every fragment: what planning costs. Small documents can spread to billions. */
  readonly maxFields: number;
};

export const defaultLimits: Limits = { maxDocumentLength: 100_000, maxTokens: 10_000, maxDepth: 30, maxAliases: 200, maxRootFields: 50, maxFields: 5_000 };

/** Fragments in fragments add no level, but every one of them indents the printed text, which is a part of keys. */
const bracesPerLevel = 4;

/** `nesting`: levels of braces, fragments followed. */
type Size = { readonly depth: number; readonly nesting: number; readonly aliases: number; readonly fields: number; readonly rootFields: number };
const nothing: Size = { depth: 0, nesting: 0, aliases: 0, fields: 0, rootFields: 0 };

export const checkDocumentLength = (text: string, limits: Limits): void => {
  if (text.length > limits.maxDocumentLength) throw exceeded('MAX_DOCUMENT_LENGTH_EXCEEDED', 'document length in characters', text.length, limits.maxDocumentLength);
};

export const checkLimits = (document: DocumentNode, limits: Limits): void => {
  const measure = measurerOf(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const size = measure(definition);
    if (size.depth > limits.maxDepth) throw exceeded('MAX_DEPTH_EXCEEDED', 'depth', size.depth, limits.maxDepth);
    if (size.nesting > limits.maxDepth * bracesPerLevel) throw exceeded('MAX_DEPTH_EXCEEDED', 'depth, fragments counted,', size.nesting, limits.maxDepth * bracesPerLevel);
    if (size.aliases > limits.maxAliases) throw exceeded('MAX_ALIASES_EXCEEDED', 'number of aliases', size.aliases, limits.maxAliases);
    if (size.rootFields > limits.maxRootFields) throw exceeded('MAX_ROOT_FIELDS_EXCEEDED', 'number of root fields', size.rootFields, limits.maxRootFields);
    if (size.fields > limits.maxFields) throw exceeded('MAX_FIELDS_EXCEEDED', 'number of fields, fragments spread,', size.fields, limits.maxFields);
  }
};

export const exceeded = (code: string, what: string, value: number, maximum: number): RequestRefused =>
  refuse(code, `The ${what} of the operation is ${value}; the maximum is ${maximum}.`, { limit: what, value, maximum });

/** Each fragment is measured once, so that fragments spread in fragments cost no more than the text is long. */
const measurerOf = (document: DocumentNode): ((operation: OperationDefinitionNode) => Size) => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const measured = new Map<string, Size>();

  const measureFragment = (name: string): Size => {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, nothing); // a cycle counts once here; validation refuses it
    const fragment = fragments.get(name);
    const size = fragment ? measureSet(fragment.selectionSet) : nothing;
    measured.set(name, size);
    return size;
  };

  const measureSet = (set: SelectionSetNode): Size =>
    set.selections.reduce<Size>((sum, selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return add(sum, deeper(measureFragment(selection.name.value)));
      if (selection.kind === Kind.INLINE_FRAGMENT) return add(sum, deeper(measureSet(selection.selectionSet)));
      const below = selection.selectionSet ? measureSet(selection.selectionSet) : nothing;
      return add(sum, { depth: below.depth + 1, nesting: below.nesting + 1, aliases: below.aliases + (selection.alias ? 1 : 0), fields: below.fields + 1, rootFields: 1 });
    }, nothing);

  return (operation) => measureSet(operation.selectionSet);
};

const deeper = (size: Size): Size => ({ ...size, nesting: size.nesting + 1 });

const add = (a: Size, b: Size): Size => ({ depth: Math.max(a.depth, b.depth), nesting: Math.max(a.nesting, b.nesting), aliases: a.aliases + b.aliases, fields: a.fields + b.fields, rootFields: a.rootFields + b.rootFields });

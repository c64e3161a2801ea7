/**
 * What a subgraph is told about the entities it is asked for: their type, a key, and what `@requires` names. As JSON, as
 * it is sent; equal texts are equal entities.
 */
import type { FetchStep, RequiredSelection } from '../plan/plan.ts';
import { quote } from './quote.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type JsonObject, isObject } from './context.ts';
import { mergeInto } from './merge.ts';
import { applyRewrites } from './rewrites.ts';

export type Representer = {
  /** Equal for representers that represent alike. */
  readonly form: string;
  /**
   * Undefined for an object that the fetch does not concern, or that misses something that is needed; null if it is one
   * further down that misses something.
   */
  represent(target: JsonObject): string | null | undefined;
  /**
   * The field whose value alone tells representations of objects of this type apart, if there is one: most keys are one
   * field, and looking at it costs less than writing and comparing texts.
   */
  keyField(typename: unknown): string | undefined;
  /** Whether the representation tells all there is in the object: two that are represented alike are then equal. */
  isWhole(target: JsonObject): boolean;
};

type RequiredField = Extract<RequiredSelection, { kind: 'field' }>;
type Part = RequiredField & { readonly head: string };
type Form = { readonly parts: readonly Part[]; readonly keyField: string | undefined; readonly isFlat: boolean } | 'general' | 'none';

/** Worked out per type of object, as selections stand in fragments. */
export const createRepresenter = ({ requires, inputRewrites }: Pick<FetchStep, 'requires' | 'inputRewrites'>, matchesType: TypeMatcher): Representer => {
  const selections = requires ?? [];
  const forms = new Map<unknown, Form>();
  const formOf = (typename: unknown): Form => {
    let form = forms.get(typename);
    if (form === undefined) forms.set(typename, (form = inputRewrites.length > 0 ? 'general' : formFor(selections, typename, matchesType)));
    return form;
  };
  const representGenerally = (target: JsonObject): string | null | undefined => {
    const representation = represent(selections, target, matchesType);
    if (representation === null) return null;
    if (typeof representation?.['__typename'] !== 'string') return undefined;
    applyRewrites(inputRewrites, representation, matchesType);
    return JSON.stringify(representation);
  };
  return {
    form: JSON.stringify([selections, inputRewrites]),
    represent(target) {
      const form = formOf(target['__typename']);
      if (form === 'none') return undefined;
      return form === 'general' ? representGenerally(target) : representSimply(form.parts, target, matchesType);
    },
    isWhole(target) {
      const form = formOf(target['__typename']);
      return typeof form === 'object' && form.isFlat && countKeys(target) === form.parts.length;
    },
    keyField(typename) {
      const form = formOf(typename);
      return typeof form === 'object' ? form.keyField : undefined;
    },
  };
};

const countKeys = (target: JsonObject): number => {
  let count = 0;
  for (const _ in target) count++;
  return count;
};

/** One fragment concerns objects of the type: its fields, one after the other. */
const formFor = (selections: readonly RequiredSelection[], typename: unknown, matchesType: TypeMatcher): Form => {
  if (typeof typename !== 'string') return 'none';
  const fragments = selections.flatMap((each) => (each.kind === 'fragment' && (each.type === null || matchesType(each.type, typename)) ? [each] : []));
  if (selections.some(({ kind }) => kind === 'field')) return 'general';
  const [fragment] = fragments;
  if (!fragment) return 'none';
  const fields = fragment.selections.filter((each): each is RequiredField => each.kind === 'field');
  const isSimple = fragments.length === 1 && fields.length === fragment.selections.length && fields.some(({ name }) => name === '__typename');
  if (!isSimple) return 'general';
  const keys = fields.filter(({ name }) => name !== '__typename');
  const isFlat = fields.every(({ selections: below }) => !below);
  return { parts: fields.map((field, index) => ({ ...field, head: `${index === 0 ? '{' : ','}"${field.name}":` })), keyField: isFlat && keys.length === 1 ? keys[0]?.name : undefined, isFlat };
};

const representSimply = (parts: readonly Part[], target: JsonObject, matchesType: TypeMatcher): string | null | undefined => {
  let text = '';
  for (const { name, head, selections } of parts) {
    const value = target[name];
    if (value === undefined) return undefined;
    text += head;
    if (typeof value === 'string') text += quote(value);
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) text += String(value);
    else {
      const part = selections ? representValue(selections, value, matchesType) : value;
      if (part === undefined) return null;
      text += JSON.stringify(part);
    }
  }
  return `${text}}`;
};

/** Undefined when something that is needed was never answered: the fetch that should have brought it failed. Null when that is further down. */
const represent = (selections: readonly RequiredSelection[], source: JsonObject, matchesType: TypeMatcher): JsonObject | null | undefined => {
  const result: JsonObject = {};
  for (const selection of selections) {
    if (selection.kind === 'fragment') {
      const typename = source['__typename'];
      if (selection.type !== null && (typeof typename !== 'string' || !matchesType(selection.type, typename))) continue;
      const part = represent(selection.selections, source, matchesType);
      if (!part) return part;
      mergeInto(result, part, matchesType);
      continue;
    }
    const value = source[selection.name];
    if (value === undefined) return undefined;
    const part = selection.selections ? representValue(selection.selections, value, matchesType) : value;
    if (part === undefined) return null;
    result[selection.name] = part;
  }
  return result;
};

/** Undefined when something is missing in it. */
const representValue = (selections: readonly RequiredSelection[], value: unknown, matchesType: TypeMatcher): unknown => {
  if (!Array.isArray(value)) return isObject(value) ? (represent(selections, value, matchesType) ?? undefined) : value;
  const elements: unknown[] = [];
  for (const element of value) {
    const part = representValue(selections, element, matchesType);
    if (part === undefined) return undefined;
    elements.push(part);
  }
  return elements;
};

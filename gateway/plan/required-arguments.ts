/**
 * Turns the fields that stand for required fields with arguments (`planner-supergraph.ts`) back into those: in what
 * subgraphs are asked they become aliases, in representations they get the name that the subgraph knows.
 *
 * Two fields of one fetch may require one field with different arguments. A representation holds one value for it, so
 * such a fetch becomes several.
 */
import { type FieldNode, parse, print, stripIgnoredCharacters, visit } from 'graphql';
import type { FetchDataKeyRenamer, FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import { type EntityField, entityFieldsOf, typeOf, withEntityFields } from './fetch-fields.ts';
import type { FetchMapper } from './map-fetches.ts';
import type { RequiredField } from './requirement-rewriter.ts';

/** The names that stand for required fields in the requirements of a field, of a type as its subgraph knows it. */
export type RequirementsOf = (subgraph: string, type: string, field: string) => readonly string[];

export const createRequiredArguments = (required: ReadonlyMap<string, RequiredField>, requirementsOf: RequirementsOf): FetchMapper => {
  const turnBack = (node: FetchNode): FetchNode => {
    const renames = occurrencesIn(node.requires ?? [], required).map(({ path, name }): FetchDataKeyRenamer => ({ kind: 'KeyRenamer', path: [...path, name], renameKeyTo: original(name) }));
    if (renames.length === 0 && !containsAny(node.operation, required)) return node;
    return { ...node, operation: withArguments(node.operation, required), inputRewrites: [...renames, ...(node.inputRewrites ?? [])] };
  };
  const original = (name: string): string => required.get(name)?.name.value ?? name;

  /** Where one name would have to hold two values. */
  const conflictsOf = (node: FetchNode): ReadonlySet<string> => {
    const values = new Map<string, Set<string>>();
    for (const { place, name } of occurrencesIn(node.requires ?? [], required)) {
      const key = `${place}.${original(name)}`;
      values.set(key, (values.get(key) ?? new Set()).add(name));
    }
    return new Set([...values.values()].filter((each) => each.size > 1).flatMap((each) => [...each]));
  };

  return {
    fetch: turnBack,
    split(node) {
      const conflicting = conflictsOf(node);
      if (conflicting.size === 0) return [turnBack(node)];
      const needs = (type: string, field: string): readonly string[] => requirementsOf(node.serviceName, type, field).filter((name) => conflicting.has(name));
      return groupsOf(entityFieldsOf(node), needs, original).map((group) =>
        turnBack({
          ...withEntityFields(node, (field) => group.fields.has(keyOf(field))),
          requires: withoutNames(node.requires ?? [], (name) => conflicting.has(name) && !group.values.has(name)),
        }),
      );
    },
  };
};

type Occurrence = { readonly name: string; /** As in rewrites. */ readonly path: readonly string[]; /** Response names alone. */ readonly place: string };

const occurrencesIn = (selections: readonly QueryPlanSelectionNode[], required: ReadonlyMap<string, RequiredField>, path: readonly string[] = [], place = ''): readonly Occurrence[] =>
  selections.flatMap((selection): readonly Occurrence[] => {
    if (selection.kind === 'InlineFragment') return occurrencesIn(selection.selections, required, selection.typeCondition ? [...path, `... on ${selection.typeCondition}`] : path, place);
    const own = required.has(selection.name) ? [{ name: selection.name, path, place }] : [];
    // What is below is renamed first: its path has the name that the planner knows.
    return [...occurrencesIn(selection.selections ?? [], required, [...path, selection.name], `${place}.${required.get(selection.name)?.name.value ?? selection.name}`), ...own];
  });

const containsAny = (operation: string, required: ReadonlyMap<string, RequiredField>): boolean => [...required.keys()].some((name) => operation.includes(name));

const withArguments = (operation: string, required: ReadonlyMap<string, RequiredField>): string => {
  const document = visit(parse(operation, { noLocation: true }), {
    Field: {
      leave(field): FieldNode | undefined {
        const original = required.get(field.name.value);
        return original && { ...field, alias: field.alias ?? field.name, name: original.name, arguments: original.arguments };
      },
    },
  });
  return stripIgnoredCharacters(print(document));
};

type Group = { readonly fields: Set<string>; readonly values: Set<string> };

/** Each field with the first others whose requirements it does not contradict. */
const groupsOf = (fields: readonly EntityField[], needs: (type: string, field: string) => readonly string[], original: (name: string) => string): readonly Group[] => {
  const groups: Group[] = [];
  const seen = new Set<string>();
  for (const field of fields) {
    const key = keyOf(field);
    if (seen.has(key)) continue;
    seen.add(key);
    const names = needs(typeOf(field), field.node.name.value);
    const agrees = ({ values }: Group) => names.every((name) => [...values].every((other) => other === name || original(other) !== original(name)));
    let group = groups.find(agrees);
    if (!group) groups.push((group = { fields: new Set(), values: new Set() }));
    group.fields.add(key);
    for (const name of names) group.values.add(name);
  }
  return groups;
};

const keyOf = (field: EntityField): string => `${typeOf(field)}.${field.node.name.value}`;

const withoutNames = (selections: readonly QueryPlanSelectionNode[], isUnwanted: (name: string) => boolean): QueryPlanSelectionNode[] =>
  selections.flatMap((selection) => {
    if (selection.kind === 'Field' && isUnwanted(selection.name)) return [];
    if (!selection.selections) return [selection];
    const selections = withoutNames(selection.selections, isUnwanted);
    return selections.length > 0 ? [{ ...selection, selections }] : [];
  });

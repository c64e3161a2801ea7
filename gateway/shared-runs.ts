/**
 * One execution per event for all subscribers with the same operation, variables and rights.
 *
 * Glossary: a *group* is the subscribers that may share; a *run* is what follows from one event for one group.
 */
import { visit } from 'graphql';
import { type Viewer, rightsOf } from '#core/viewer.ts';
import type { Answer } from './answer.ts';
import type { SourceEvent } from './data-source.ts';
import type { Prepared } from './engine.ts';
import { type Operation, rootFieldsOf } from './operations.ts';

export type Run = (signal: AbortSignal) => Promise<Answer>;

export type Group = {
  run(key: SourceEvent['key'], start: Run): Promise<Answer>;
  /** The last to leave ends what is still running for the group. */
  leave(): void;
};

export type SharedRuns = { join(key: string): Group; readonly size: number };

/**
 * How long a run answers for its event. A subscriber who takes the same event later (a slow reader, or one who starts
 * with the current value) gets the rest of the plan afresh, as other subgraphs may have changed meanwhile.
 */
const sharedForMs = 2_000;

type Members = { members: number; readonly abort: AbortController; readonly objects: WeakMap<object, { readonly at: number; readonly result: Promise<Answer> }>; readonly texts: Map<string, Promise<Answer>> };

export const createSharedRuns = (): SharedRuns => {
  const groups = new Map<string, Members>();
  return {
    get size() {
      return groups.size;
    },
    join(key) {
      const group = groups.get(key) ?? { members: 0, abort: new AbortController(), objects: new WeakMap(), texts: new Map() };
      groups.set(key, group);
      group.members++;
      let hasLeft = false;
      return {
        run: (event, start) => (typeof event === 'string' ? runText(group, event, start) : runObject(group, event, start)),
        leave() {
          if (hasLeft) return;
          hasLeft = true;
          if (--group.members > 0) return;
          groups.delete(key);
          group.abort.abort();
        },
      };
    },
  };
};

const runObject = (group: Members, event: object, start: Run): Promise<Answer> => {
  const known = group.objects.get(event);
  if (known && performance.now() - known.at < sharedForMs) return known.result;
  const result = start(group.abort.signal);
  group.objects.set(event, { at: performance.now(), result });
  return result;
};

/** Equal texts at different times are different events with perhaps different answers: only a run under way is shared. */
const runText = (group: Members, event: string, start: Run): Promise<Answer> => {
  const known = group.texts.get(event);
  if (known) return known;
  const result = start(group.abort.signal).finally(() => group.texts.delete(event));
  group.texts.set(event, result);
  return result;
};

/**
 * Who may share. Variables that are used as arguments of the subscription's root field alone (`eventIds`, `after`)
 * choose which events come, not what is answered for one, so they keep nobody apart.
 */
export const groupKeyOf = (engineId: number, { operation, access, variables }: Prepared, viewer: Viewer): string => {
  const counted = [...variablesBelowRoot(operation)].sort().map((name) => [name, variables[name] ?? null]);
  return JSON.stringify([engineId, operation.key, access.key, rightsOf(viewer), counted]);
};

const variablesBelowRoot = (operation: Operation): ReadonlySet<string> => {
  const names = new Set<string>();
  const roots = new Set(rootFieldsOf(operation));
  visit(operation.document, {
    VariableDefinition: () => false,
    Field: (node) => {
      if (!roots.has(node)) return;
      for (const part of [node.selectionSet, ...(node.directives ?? [])]) if (part) visit(part, { Variable: (variable) => void names.add(variable.name.value) });
      return false;
    },
    Variable: (variable) => void names.add(variable.name.value),
  });
  return names;
};

/**
 * One execution per event for all subscribers with the same operation, variables and rights.
 *
 * Glossary: a *group* is the subscribers that may share; a *run* is what follows from one event for one group.
 */
import { Kind, visit } from 'graphql';
import { sha256 } from '#core/digest.ts';
import { type Viewer, rightsOf } from '#core/viewer.ts';
import type { Answer } from '../answer.ts';
import type { SourceEvent } from '../sources/data-source.ts';
import type { Prepared } from '../engine.ts';
import { type Operation, rootFieldsOf } from '../operations.ts';

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
export const sharedForMs = 2_000;

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
  const shared = group.objects.get(event);
  if (shared && performance.now() - shared.at < sharedForMs) return shared.result;
  const result = start(group.abort.signal);
  group.objects.set(event, { at: performance.now(), result });
  return result;
};

/** Equal texts at different times are different events with perhaps different answers: only a run under way is shared. */
const runText = (group: Members, event: string, start: Run): Promise<Answer> => {
  const shared = group.texts.get(event);
  if (shared) return shared;
  const result = start(group.abort.signal).finally(() => group.texts.delete(event));
  group.texts.set(event, result);
  return result;
};

/**
 * Who may share. Variables that are used as arguments of the subscription's root field alone (`eventIds`, `after`)
 * choose which events come, not what is answered for one, so they keep nobody apart.
 */
export const groupKeyOf = (engineId: number, { operation, access, variables }: Prepared, viewer: Viewer): string => {
  const { digest, below } = factsOf(operation);
  return JSON.stringify([engineId, digest, access.key, rightsOf(viewer), below.map((name) => [name, variables[name] ?? null])]);
};

/**
 * Who may share a source besides: those whose streams bring the same events. Where one began (`after`) makes no
 * difference any more once two stand at the same event.
 */
export const meetingKeyOf = (groupKey: string, { operation, variables }: Prepared, used: readonly string[]): string => {
  const { after } = factsOf(operation);
  return groupKey + JSON.stringify([...used].sort().map((name) => [name, name === after ? null : (variables[name] ?? null)]));
};

type OperationFacts = {
  /** Stands for the operation's text. */
  readonly digest: string;
  /** Names of the variables that are used below the root field, sorted. */
  readonly below: readonly string[];
  /** The variable that the root field takes as `after`, where it is used for nothing else. */
  readonly after: string | null;
};

const known = new WeakMap<Operation, OperationFacts>();

const factsOf = (operation: Operation): OperationFacts => {
  let facts = known.get(operation);
  if (!facts) {
    const below = variablesBelowRoot(operation);
    facts = { digest: sha256(operation.key), below: [...below].sort(), after: afterVariable(operation, below) };
    known.set(operation, facts);
  }
  return facts;
};

const afterVariable = (operation: Operation, below: ReadonlySet<string>): string | null => {
  const roots = rootFieldsOf(operation);
  const values = roots.flatMap((field) => (field.arguments ?? []).filter(({ name }) => name.value === 'after').map(({ value }) => (value.kind === Kind.VARIABLE ? value.name.value : null)));
  const others = new Set(below);
  for (const field of roots) for (const argument of field.arguments ?? []) if (argument.name.value !== 'after') visit(argument, { Variable: ({ name }) => void others.add(name.value) });
  const [name = null] = values;
  return name !== null && values.every((each) => each === name) && !others.has(name) ? name : null;
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

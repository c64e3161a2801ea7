/**
 * `@skip` and `@include` (GraphQL specification, 3.13.1 and 3.13.2), evaluated away before anything else is done, and
 * the `if` of `@defer` with them.
 *
 * The planner drops a field whose whole selection is conditional, though an object stands there whatever is selected
 * of it; and it cannot plan conditions at the root of a subscription. So each combination of values is an operation of
 * its own, planned and kept like any other.
 */
import { type ASTVisitor, type DirectiveNode, Kind, type SelectionNode, visit } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type Operation, type Variables, rebuilt } from './operations.ts';

export type Conditions = {
  /** The operation as it is with these values; the same object where it has no conditions. */
  evaluate(operation: Operation, variables: Variables): Operation;
};

type Known = { readonly variables: readonly string[]; readonly evaluated: LRUCache<string, Operation> };

export const createConditions = (): Conditions => {
  const known = new WeakMap<Operation, Known | null>();
  return {
    evaluate(operation, variables) {
      let entry = known.get(operation);
      if (entry === undefined) known.set(operation, (entry = read(operation)));
      if (!entry) return operation;
      const key = entry.variables.map((name) => (variables[name] === true ? 1 : 0)).join('');
      let evaluated = entry.evaluated.get(key);
      if (!evaluated) entry.evaluated.set(key, (evaluated = evaluate(operation, variables, key)));
      return evaluated;
    },
  };
};

const isCondition = (directive: { readonly name: { readonly value: string } }): boolean => directive.name.value === 'skip' || directive.name.value === 'include';

const isDeferredIf = ({ name, arguments: args }: DirectiveNode): boolean => name.value === 'defer' && (args ?? []).some((argument) => argument.name.value === 'if');

/** The variables that decide; null where nothing is conditional. */
const read = (operation: Operation): Known | null => {
  const names = new Set<string>();
  let isConditional = false;
  visit(operation.document, {
    Directive(node) {
      if (!isCondition(node) && !isDeferredIf(node)) return;
      isConditional = true;
      for (const { value } of node.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return isConditional ? { variables: [...names].sort(), evaluated: new LRUCache({ max: 64 }) } : null;
};

/** Selection sets can be left empty: `{ events { name @skip(if: true) } }` asks how many there are. */
const evaluate = (operation: Operation, variables: Variables, key: string): Operation => {
  const decide = <Node extends SelectionNode>(node: Node): Node | null | undefined => {
    if (!node.directives?.some((directive) => isCondition(directive) || isDeferredIf(directive))) return undefined;
    return isIncluded(node, variables) ? { ...node, directives: node.directives.flatMap((directive) => (isCondition(directive) ? [] : decideDefer(directive, variables))) } : null;
  };
  const visitor: ASTVisitor = { Field: decide, InlineFragment: decide, FragmentSpread: decide };
  return rebuilt(operation, visit(operation.document, visitor), `#if ${key}`);
};

const isIncluded = (selection: SelectionNode, variables: Variables): boolean =>
  (selection.directives ?? []).every((directive) => {
    if (!isCondition(directive)) return true;
    const condition = conditionOf(directive, variables);
    return directive.name.value === 'include' ? condition : !condition;
  });

const conditionOf = (directive: DirectiveNode, variables: Variables): boolean => {
  const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value;
  return value?.kind === Kind.VARIABLE ? variables[value.name.value] === true : value?.kind === Kind.BOOLEAN && value.value;
};

const decideDefer = (directive: DirectiveNode, variables: Variables): readonly DirectiveNode[] => {
  if (!isDeferredIf(directive)) return [directive];
  return conditionOf(directive, variables) ? [{ ...directive, arguments: directive.arguments?.filter((argument) => argument.name.value !== 'if') ?? [] }] : [];
};

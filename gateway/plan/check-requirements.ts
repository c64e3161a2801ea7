/**
 * A field with `@requires` is asked only of an entity that is sent along with what the field requires. The planner takes
 * one that stands in its own subgraph for resolvable there if another field's `@requires` needs it, and the subgraph
 * would compute it without what it requires.
 */
import { type FieldNode, Kind, type SelectionSetNode } from 'graphql';
import { type CompositeType, type FieldDefinition, type Schema, type Supergraph, baseType, federationMetadata, isCompositeType, isInterfaceType, isObjectType } from '@apollo/federation-internals';
import type { FetchNode, QueryPlan, QueryPlanSelectionNode } from '@apollo/query-planner';
import { EventgraphError } from '#core/errors.ts';
import { fetchesOf, selectionOf } from './asked.ts';
import { fieldSet } from './requirement-rewriter.ts';

/** Throws `QUERY_PLANNING_FAILED`. */
export type CheckRequirements = (plan: QueryPlan) => void;

export type Fielded = FieldDefinition<CompositeType>;

export const createCheckRequirements = (supergraph: Supergraph): CheckRequirements => {
  const schemas = new Map<string, Schema>([...supergraph.subgraphs()].map(({ name, schema }) => [name, schema]));
  return (plan) => {
    for (const { node } of fetchesOf(plan)) {
      const schema = schemas.get(node.serviceName);
      const directive = schema && federationMetadata(schema)?.requiresDirective();
      if (!schema || !directive) continue;
      const root = schema.schemaDefinition.rootType(node.operationKind);
      const type = node.requires ? undefined : root;
      if (node.requires || type) visit({ node, schema }, selectionOf(node), type, node.requires ? 'entity' : 'below');
    }
  };
};

type Visit = { readonly node: FetchNode; readonly schema: Schema };
/** `provided`: below a field with `@provides`, which may bring what is required. */
type Where = 'entity' | 'below' | 'provided';

const visit = (context: Visit, set: SelectionSetNode, type: CompositeType | undefined, where: Where): void => {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      visitField(context, selection, type, where);
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition ? context.schema.type(selection.typeCondition.name.value) : type;
      visit(context, selection.selectionSet, condition && isCompositeType(condition) ? condition : undefined, where);
    }
  }
};

const visitField = (context: Visit, selection: FieldNode, type: CompositeType | undefined, where: Where): void => {
  const field = type && (isObjectType(type) || isInterfaceType(type)) ? (type.field(selection.name.value) as Fielded | undefined) : undefined;
  if (!field) return;
  if (where !== 'provided') checkField(context, field, where);
  if (!selection.selectionSet || !field.type) return;
  const below = baseType(field.type);
  visit(context, selection.selectionSet, isCompositeType(below) ? below : undefined, where === 'provided' || providesSomething(context.schema, field) ? 'provided' : 'below');
};

const providesSomething = (schema: Schema, field: Fielded): boolean => {
  const directive = federationMetadata(schema)?.providesDirective();
  return directive !== undefined && field.appliedDirectivesOf(directive).length > 0;
};

const checkField = ({ node, schema }: Visit, field: Fielded, where: Where): void => {
  const missing = missingRequirement(schema, field, where === 'entity' ? namesSent(node.requires ?? []) : new Set());
  if (missing !== undefined) throw unmetRequirement(field.coordinate, missing);
};

/** What the field requires and its subgraph does not know itself, if it is not among the names sent along. */
export const missingRequirement = (schema: Schema, field: Fielded, sent: ReadonlySet<string>): string | undefined => {
  const metadata = federationMetadata(schema);
  const required = metadata ? field.appliedDirectivesOf(metadata.requiresDirective()).flatMap((applied) => fieldSet(String(applied.arguments().fields)).selections) : [];
  const missing = required.find((each) => each.kind === Kind.FIELD && isExternal(schema, each, field.parent) && !sent.has((each.alias ?? each.name).value));
  return missing?.kind === Kind.FIELD ? missing.name.value : undefined;
};

export const unmetRequirement = (field: string, missing: string): EventgraphError =>
  new EventgraphError('QUERY_PLANNING_FAILED', `The operation cannot be planned right: ${field} requires ${missing}, which the planner does not fetch before it.`, { field });

const namesSent = (selections: readonly QueryPlanSelectionNode[]): ReadonlySet<string> =>
  new Set(selections.flatMap((each) => (each.kind === 'Field' ? [each.alias ?? each.name] : [...namesSent(each.selections)])));

/** Whether the subgraph must be told it, as it does not know it itself. */
const isExternal = (schema: Schema, selection: FieldNode, parent: CompositeType): boolean => {
  const field = isObjectType(parent) || isInterfaceType(parent) ? (parent.field(selection.name.value) as Fielded | undefined) : undefined;
  return field !== undefined && (federationMetadata(schema)?.isFieldExternal(field) ?? false);
};

/**
 * Who may see what, as `@authenticated`, `@requiresScopes` and `@policy` say in the supergraph.
 *
 * The outer list of scopes or policies is "one of", the inner list "all of" (Apollo Federation, "Directives":
 * `@requiresScopes(scopes: [["a", "b"], ["c"]])` wants a and b, or c).
 */
import {
  AuthenticatedSpecDefinition,
  type DirectiveDefinition,
  type FieldDefinition,
  type InterfaceType,
  type NamedType,
  type ObjectType,
  PolicySpecDefinition,
  RequiresScopesSpecDefinition,
  type Schema,
  isInterfaceType,
  isObjectType,
} from '@apollo/federation-internals';

export type Requirement = {
  readonly authenticated: boolean;
  readonly scopes: readonly (readonly string[])[] | null;
  readonly policies: readonly (readonly string[])[] | null;
};

export type Requirements = {
  /** Distinct requirements; the maps hold positions in this list. */
  readonly all: readonly Requirement[];
  readonly types: ReadonlyMap<string, number>;
  /** By coordinate, `Type.field`. */
  readonly fields: ReadonlyMap<string, number>;
};

export const readRequirements = (schema: Schema): Requirements => {
  const all = new Map<string, number>();
  const list: Requirement[] = [];
  const directives = findDirectives(schema);
  const positionOf = (element: Applied): number | undefined => {
    const requirement = requirementOf(element, directives);
    if (!requirement) return undefined;
    const key = JSON.stringify(requirement);
    const known = all.get(key);
    if (known !== undefined) return known;
    all.set(key, list.length);
    return list.push(requirement) - 1;
  };
  const types = new Map<string, number>();
  const fields = new Map<string, number>();
  const note = (into: Map<string, number>, coordinate: string, element: Applied) => {
    const position = positionOf(element);
    if (position !== undefined) into.set(coordinate, position);
  };
  for (const type of schema.types()) {
    note(types, type.name, type);
    if (isObjectType(type) || isInterfaceType(type)) for (const field of type.fields()) note(fields, field.coordinate, field);
  }
  return { all: list, types, fields };
};

type Applied = NamedType | FieldDefinition<ObjectType> | FieldDefinition<InterfaceType>;
type Directives = { readonly authenticated: DirectiveDefinition | undefined; readonly scopes: DirectiveDefinition | undefined; readonly policy: DirectiveDefinition | undefined };

/** A supergraph may have renamed the directives on import, so they are found by the identity of their specification. */
const findDirectives = (schema: Schema): Directives => {
  const find = (identity: string, name: string) => {
    const feature = schema.coreFeatures?.getByIdentity(identity);
    return feature && schema.directive(feature.directiveNameInSchema(name));
  };
  return {
    authenticated: find(AuthenticatedSpecDefinition.identity, 'authenticated'),
    scopes: find(RequiresScopesSpecDefinition.identity, 'requiresScopes'),
    policy: find(PolicySpecDefinition.identity, 'policy'),
  };
};

const requirementOf = (element: Applied, directives: Directives): Requirement | undefined => {
  const first = (definition: DirectiveDefinition | undefined) => (definition ? element.appliedDirectivesOf(definition)[0] : undefined);
  const authenticated = first(directives.authenticated) !== undefined;
  const scopes = first(directives.scopes)?.arguments() as { scopes?: string[][] } | undefined;
  const policies = first(directives.policy)?.arguments() as { policies?: string[][] } | undefined;
  if (!authenticated && !scopes && !policies) return undefined;
  return { authenticated, scopes: scopes?.scopes ?? null, policies: policies?.policies ?? null };
};

/**
 * What a viewer may not see is taken out of the operation before it is planned, so that it is never fetched, and is
 * answered with null and an error in its place. What depends on the type an object turns out to have (one member of a
 * union, one implementation of an interface) is held back when the answer is shaped: see `Access.deniesType`.
 */
import { type DocumentNode, type GraphQLSchema, TypeInfo, getNamedType, isAbstractType, visit, visitWithTypeInfo } from 'graphql';
import { type Permission, type Viewer, isAllowed, permissions } from '#core/viewer.ts';
import { refuse } from './errors.ts';
import { type Operation, rebuilt } from './operations.ts';
import type { Requirement, Requirements } from './requirements.ts';

/** Decides `@policy`; without one, no policy is ever fulfilled. */
export type AllowsPolicy = (viewer: Viewer, policy: string) => boolean;

/** What becomes of a request for what the viewer may not see: that is null with an error, or the whole request is refused. */
export type Denied = 'null' | 'refuse';

/** What one set of rights may see of one supergraph. */
export type Access = {
  /** Equal for viewers who lack the same things; part of every key under which a plan or an answer is shared. */
  readonly key: string;
  deniesType(typeName: string): boolean;
  /** Whether selecting the field on this type is refused whatever object stands there. */
  deniesField(typeName: string, fieldName: string): boolean;
};

export type Authorization = {
  accessOf(viewer: Viewer): Access;
  /** The operation without what is denied; the same object when nothing is. */
  restrict(operation: Operation, access: Access): Operation;
  /** What the operation selects and the access denies, as `Type.field`, or `Type` for a fragment. */
  deniedIn(operation: Operation, access: Access): readonly string[];
};

export const createAuthorization = (schema: GraphQLSchema, requirements: Requirements, allowsPolicy: AllowsPolicy = () => false): Authorization => {
  const accesses = new Map<string, Access>();
  const restricted = new WeakMap<Operation, Map<string, Restricted>>();
  const restrictedFor = (operation: Operation, access: Access): Restricted => {
    const known = restricted.get(operation)?.get(access.key);
    if (known) return known;
    const result = withoutDenied(schema, operation, access);
    const byAccess = restricted.get(operation) ?? new Map<string, Restricted>();
    restricted.set(operation, byAccess.set(access.key, result));
    return result;
  };
  return {
    accessOf(viewer) {
      const unmet = requirements.all.flatMap((requirement, position) => (meets(viewer, requirement, allowsPolicy) ? [] : [position]));
      const key = unmet.join(',');
      const known = accesses.get(key);
      if (known) return known;
      const access = createAccess(schema, requirements, key, new Set(unmet));
      accesses.set(key, access);
      return access;
    },
    restrict: (operation, access) => (access.key === '' ? operation : restrictedFor(operation, access).operation),
    deniedIn: (operation, access) => (access.key === '' ? nothing : restrictedFor(operation, access).denied),
  };
};

/** Throws RequestRefused that names what was asked for and is denied. */
export const refuseDenied = (denied: readonly string[]): void => {
  if (denied.length === 0) return;
  const named = denied.slice(0, mostNamed);
  const more = denied.length > named.length ? ` and ${denied.length - named.length} more` : '';
  throw refuse('UNAUTHORIZED_FIELD_OR_TYPE', `The credential does not allow ${named.join(', ')}${more}. Nothing was executed.`, { fields: named });
};

const mostNamed = 20;

type Restricted = { readonly operation: Operation; readonly denied: readonly string[] };
const nothing: readonly string[] = [];

const isPermission = (scope: string): scope is Permission => (permissions as readonly string[]).includes(scope);

/** `admin` satisfies every scope, also one that this hub does not know. A permission is never had by a scope of the same name. */
const hasScope = (viewer: Viewer, scope: string): boolean => (isPermission(scope) ? isAllowed(viewer, scope) : viewer.permissions.has('admin') || (viewer.scopes?.has(scope) ?? false));

const meets = (viewer: Viewer, requirement: Requirement, allowsPolicy: AllowsPolicy): boolean =>
  (!requirement.authenticated || viewer.kind !== 'public') &&
  (requirement.scopes === null || requirement.scopes.some((all) => all.every((scope) => hasScope(viewer, scope)))) &&
  (requirement.policies === null || requirement.policies.some((all) => all.every((policy) => allowsPolicy(viewer, policy))));

const createAccess = (schema: GraphQLSchema, requirements: Requirements, key: string, unmet: ReadonlySet<number>): Access => {
  const isUnmet = (position: number | undefined): boolean => position !== undefined && unmet.has(position);
  const everyObject = (typeName: string, test: (name: string) => boolean): boolean => {
    const type = schema.getType(typeName);
    if (!isAbstractType(type)) return false;
    const possible = schema.getPossibleTypes(type);
    return possible.length > 0 && possible.every(({ name }) => test(name));
  };
  const deniesType = (typeName: string): boolean => isUnmet(requirements.types.get(typeName)) || everyObject(typeName, (name) => isUnmet(requirements.types.get(name)));
  const returns = (typeName: string, fieldName: string): string | undefined => {
    const type = schema.getType(typeName);
    if (!type || !('getFields' in type)) return undefined;
    const field = type.getFields()[fieldName];
    return field && 'type' in field ? getNamedType(field.type).name : undefined;
  };
  const deniesField = (typeName: string, fieldName: string): boolean => {
    if (key === '') return false;
    const result = returns(typeName, fieldName);
    const own = (name: string) => isUnmet(requirements.fields.get(`${name}.${fieldName}`));
    return deniesType(typeName) || own(typeName) || everyObject(typeName, own) || (result !== undefined && deniesType(result));
  };
  return { key, deniesType: memoised(deniesType), deniesField };
};

const memoised = (test: (name: string) => boolean): ((name: string) => boolean) => {
  const known = new Map<string, boolean>();
  return (name) => {
    let answer = known.get(name);
    if (answer === undefined) known.set(name, (answer = test(name)));
    return answer;
  };
};

const withoutDenied = (schema: GraphQLSchema, operation: Operation, access: Access): Restricted => {
  const info = new TypeInfo(schema);
  const denied = new Set<string>();
  const remove = (what: string) => {
    denied.add(what);
    return null;
  };
  const removeType = (name: string | undefined) => (name !== undefined && access.deniesType(name) ? remove(name) : undefined);
  const document: DocumentNode = visit(
    operation.document,
    visitWithTypeInfo(info, {
      Field(node) {
        const parent = info.getParentType();
        return parent && access.deniesField(parent.name, node.name.value) ? remove(`${parent.name}.${node.name.value}`) : undefined;
      },
      InlineFragment: (node) => removeType(node.typeCondition?.name.value),
      FragmentSpread: (node) => removeType(operation.fragments.get(node.name.value)?.typeCondition.name.value),
    }),
  );
  return { operation: denied.size > 0 ? rebuilt(operation, document, `#without ${access.key}`) : operation, denied: [...denied] };
};

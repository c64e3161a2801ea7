/**
 * What is closed to clients in production: asking for the schema, and being led to it by the suggestions in errors.
 * Admins see both, always.
 */
import { Kind, visit } from 'graphql';
import { type Viewer, isAllowed } from '#core/viewer.ts';
import { RequestRefused, refuse } from '../errors.ts';
import type { Operation } from '../operations.ts';

export type Closing = {
  /** Throws RequestRefused with `INTROSPECTION_DISABLED`. */
  check(operation: Operation, viewer: Viewer): void;
  /** The refusal as the viewer may read it. */
  explain(refused: RequestRefused, viewer: Viewer): RequestRefused;
};

/** `introspection`: whether everybody may ask for the schema. */
export const createClosing = ({ introspection }: { readonly introspection: boolean }): Closing => {
  if (introspection) return { check: () => undefined, explain: (refused) => refused };
  const asks = new WeakMap<Operation, boolean>();
  const told = new WeakMap<RequestRefused, RequestRefused>();
  return {
    check(operation, viewer) {
      let isAsking = asks.get(operation);
      if (isAsking === undefined) asks.set(operation, (isAsking = asksForSchema(operation)));
      if (isAsking && !isAllowed(viewer, 'admin')) throw refuse('INTROSPECTION_DISABLED', 'The schema is not told here: `__schema` and `__type` need a key with the permission admin.', { permission: 'admin' });
    },
    explain(refused, viewer) {
      if (isAllowed(viewer, 'admin')) return refused;
      // A refusal is remembered with its document.
      let plain = told.get(refused);
      if (!plain) told.set(refused, (plain = withoutSuggestions(refused)));
      return plain;
    },
  };
};

const asksForSchema = ({ document }: Operation): boolean => {
  let isAsking = false;
  visit(document, { [Kind.FIELD]: ({ name: { value } }) => void (isAsking ||= value === '__schema' || value === '__type') });
  return isAsking;
};

/**
 * graphql-js 16 cannot be told to keep its suggestions to itself. Each of them is the end of its message, behind whatever
 * the caller wrote: cutting at the first can lose words of the caller's own and never leaves a name of the schema.
 */
export const withoutSuggestion = (message: string): string => message.replace(/ ?Did you mean [^]*$/, '');

const withoutSuggestions = ({ errors }: RequestRefused): RequestRefused => new RequestRefused(errors.map((error) => ({ ...error, message: withoutSuggestion(error.message) })));

/** Whether a document is an operation that the gateway would run, and where it is not: for lists of operations. */
import { type GraphQLFormattedError, type GraphQLSchema, Kind, type Location, parse, visit } from 'graphql';
import type { OperationCheck, OperationMistake } from '#core/operations-port.ts';
import { RequestRefused } from '../errors.ts';
import { type Limits, defaultLimits } from '../limits.ts';
import { checkSubscriptionRoot, createOperations } from '../operations.ts';

export const createOperationCheck = (schema: GraphQLSchema, limits: Limits = defaultLimits): OperationCheck => {
  const operations = createOperations(schema, limits);
  return (body) => {
    try {
      const operation = operations.find(body, null);
      if (operation.kind === 'subscription') checkSubscriptionRoot(operation);
      return { name: operation.name ?? null, type: operation.kind, mistakes: [] };
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      return { name: null, type: null, mistakes: error.errors.map((each) => mistakeOf(each, body)) };
    }
  };
};

const mistakeOf = ({ message, locations, extensions }: GraphQLFormattedError, body: string): OperationMistake => {
  const [at] = locations ?? [];
  return { code: String(extensions?.['code']), message, line: at?.line ?? null, column: at?.column ?? null, field: at ? fieldAt(body, at.line, at.column) : null };
};

/** The innermost field around a place, with those that it is selected below. */
const fieldAt = (body: string, line: number, column: number): string | null => {
  const newline = /\r\n|[\n\r]/g;
  for (let passed = 1; passed < line; passed++) newline.exec(body);
  const offset = newline.lastIndex + column - 1;
  const isAround = (loc: Location | undefined): boolean => loc !== undefined && loc.start <= offset && offset < loc.end;
  const path: string[] = [];
  const enter = (name: string | undefined, loc: Location | undefined) => {
    if (!isAround(loc)) return false;
    path.push(name ?? '');
    return undefined;
  };
  try {
    visit(parse(body), {
      [Kind.OPERATION_DEFINITION]: ({ name, loc }) => enter(name?.value, loc),
      [Kind.FRAGMENT_DEFINITION]: ({ name, loc }) => enter(name.value, loc),
      [Kind.FIELD]: ({ name, loc }) => enter(name.value, loc),
    });
  } catch {
    return null; // no document at all
  }
  return path.length > 0 ? path.join('.') : null;
};

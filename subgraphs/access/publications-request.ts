/** What a client asks to publish, read and judged: pure. */
import { z } from 'zod';
import { sha256Hex } from '#core/digest.ts';
import type { OperationCheck, OperationMistake } from '#core/operations-port.ts';
import type { PublishedOperation } from '#core/published-operations.ts';
import type { PublishOperationsInput, UserError } from './generated/types.ts';

/** `field`: where it stands in the input. */
export type Publication = Omit<PublishedOperation, 'client'> & { readonly field: string };

export type ReadPublications = { readonly publications: readonly Publication[]; readonly userErrors: readonly UserError[] };

const maxErrors = 100;

/** Apollo's format; what else stands in it is left alone. */
const manifestSchema = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), name: z.string(), type: z.enum(['query', 'mutation', 'subscription']), body: z.string() })),
});

/** No publications where there are errors: it is all or nothing. */
export const readPublications = (input: PublishOperationsInput, check: OperationCheck): ReadPublications => {
  const { publications, userErrors } = input.manifest !== undefined && input.manifest !== null ? readManifest(input) : readList(input);
  if (userErrors.length > 0) return { publications: [], userErrors };
  if (publications.length === 0) return refused('OPERATIONS_MISSING', 'input.operations', 'Give `operations`, or a `manifest` with some.');
  const mistakes = [...duplicatesIn(publications), ...publications.flatMap((each) => mistakesIn(each, check))];
  return mistakes.length > 0 ? { publications: [], userErrors: mistakes.slice(0, maxErrors) } : { publications, userErrors: [] };
};

const readManifest = ({ operations, manifest }: PublishOperationsInput): ReadPublications => {
  if (operations) return refused('OPERATIONS_TWICE', 'input.operations', 'Give `operations` or a `manifest`, not both.');
  const parsed = manifestSchema.safeParse(manifest);
  if (parsed.success) return { publications: parsed.data.operations.map((each, index) => ({ ...each, field: `input.manifest.operations.${index}` })), userErrors: [] };
  const userErrors = parsed.error.issues.slice(0, maxErrors).map(({ path, message }) => mistake('MANIFEST_INVALID', ['input.manifest', ...path].join('.'), message));
  return { publications: [], userErrors };
};

const readList = ({ operations }: PublishOperationsInput): ReadPublications => ({
  publications: (operations ?? []).map(({ id, name, type, body }, index) => ({ id: id ?? sha256Hex(body), name, type: typeOf[type], body, field: `input.operations.${index}` })),
  userErrors: [],
});

const typeOf = { QUERY: 'query', MUTATION: 'mutation', SUBSCRIPTION: 'subscription' } as const;

const duplicatesIn = (publications: readonly Publication[]): readonly UserError[] => {
  const byId = new Map<string, Publication>();
  return publications.flatMap((each) => {
    const known = byId.get(each.id);
    byId.set(each.id, known ?? each);
    return known ? [mistake('OPERATION_ID_TWICE', `${each.field}.id`, `${known.field} has the same id.`)] : [];
  });
};

const mistakesIn = ({ id, name, type, body, field }: Publication, check: OperationCheck): readonly UserError[] => {
  const ofId = idMistake(id, body);
  const checked = check(body);
  return [
    ...(ofId === null ? [] : [mistake(ofId.code, `${field}.id`, ofId.message)]),
    ...checked.mistakes.map((each) => mistake(each.code, `${field}.body`, `${name}: ${inWords(each)}`)),
    ...(checked.type !== null && checked.name !== name ? [mistake('OPERATION_NAME_MISMATCH', `${field}.name`, `The operation of the body ${checked.name === null ? 'has no name' : `is called ${checked.name}`}.`)] : []),
    ...(checked.type !== null && checked.type !== type ? [mistake('OPERATION_TYPE_MISMATCH', `${field}.type`, `The operation of the body is a ${checked.type}.`)] : []),
  ];
};

/** What looks like a hash must be one, or it could stand for the text of another. */
const idMistake = (id: string, body: string): { readonly code: string; readonly message: string } | null => {
  if (/^[0-9a-f]{64}$/i.test(id)) return id === sha256Hex(body) ? null : { code: 'OPERATION_HASH_MISMATCH', message: 'This is not the SHA-256 of the body, in lower-case hexadecimal.' };
  return /^[\w.:/@+-]{1,200}$/.test(id) && !id.startsWith('sha256:') ? null : { code: 'OPERATION_ID_INVALID', message: 'An id is the SHA-256 of the body, or has 1 to 200 letters, digits and . : / @ + - _.' };
};

const inWords = ({ message, line, column }: OperationMistake): string => (line === null ? message : `${message} (line ${line}, column ${column})`);

const mistake = (code: string, field: string, message: string): UserError => ({ code, field, message });
const refused = (code: string, field: string, message: string): ReadPublications => ({ publications: [], userErrors: [mistake(code, field, message)] });

/** Which text a request stands for, and whether its viewer may send it: free text, a hash, or the id of an operation. */
import { sha256Hex } from '#core/digest.ts';
import { type Viewer, isAllowed, termsOf } from '#core/viewer.ts';
import { type Asked, type Documents, hasText } from '../doors/admission.ts';
import type { Parameters } from '../doors/graphql-over-http.ts';
import { RequestRefused, refuse } from '../errors.ts';
import type { Gateway } from '../index.ts';
import type { AutomaticDocuments } from './automatic-documents.ts';
import type { Closing } from './closing.ts';
import type { KnownOperations } from './known-operations.ts';
import { type Reference, notFound } from './reference.ts';

/** Who may send any text, as far as the terms of its key allow it: everybody, whoever has a key, or admins alone. */
export type FreeText = 'all' | 'keys' | 'none';

export type DocumentsOptions = {
  /** Says whether a text is a valid document. */
  readonly gateway: Pick<Gateway, 'operationOf' | 'counts'>;
  readonly known: KnownOperations;
  readonly automatic: AutomaticDocuments;
  readonly closing: Closing;
  readonly freeText: FreeText;
};

export const createDocuments = (options: DocumentsOptions): Documents => {
  const { gateway, known, automatic, closing, freeText } = options;

  const counted = (refused: RequestRefused): RequestRefused => {
    gateway.counts.refused(refused);
    return refused;
  };

  const named = async (parameters: Parameters, reference: Reference, viewer: Viewer, isFree: boolean): Promise<Asked> => {
    const { query } = parameters;
    const body = await known.find(reference.id, termsOf(viewer).client);
    if (body !== undefined && (query === null || query === body)) return { ...parameters, query: body };
    if (query !== null) {
      if (sha256Hex(query) !== reference.id) throw counted(mismatch());
      if (!isFree) return listed({ ...parameters, query }, viewer);
      validate({ ...parameters, query }, viewer);
      await automatic.keep(reference.id, query);
      return { ...parameters, query };
    }
    const text = isFree ? await automatic.find(reference.id) : undefined;
    if (text === undefined) throw counted(notFound(reference));
    return { ...parameters, query: text };
  };

  const listed = async (asked: Asked, viewer: Viewer): Promise<Asked> => {
    if (await known.isBody(asked.query, termsOf(viewer).client)) return asked;
    throw counted(onlyPersisted(viewer));
  };

  /** Only what is valid is kept. */
  const validate = (asked: Asked, viewer: Viewer): void => {
    try {
      gateway.operationOf(asked);
    } catch (error) {
      throw error instanceof RequestRefused ? closing.explain(error, viewer) : error;
    }
  };

  return {
    find(parameters, viewer) {
      const isFree = maySendText(viewer, freeText);
      if (parameters.reference) return named(parameters, parameters.reference, viewer, isFree);
      if (!hasText(parameters)) throw refuse('BAD_REQUEST', '`query` must be a text.', { field: 'query' });
      return isFree ? parameters : listed(parameters, viewer);
    },
    check: closing.check,
    explain: closing.explain,
  };
};

const maySendText = (viewer: Viewer, freeText: FreeText): boolean => {
  if (viewer.terms?.documents === 'persisted') return false;
  if (freeText === 'all') return true;
  return freeText === 'keys' ? viewer.kind !== 'public' : isAllowed(viewer, 'admin');
};

const mismatch = (): RequestRefused => refuse('PERSISTED_QUERY_HASH_MISMATCH', 'The hash is not that of `query`: send the SHA-256 of the text, in hexadecimal.', { field: 'extensions.persistedQuery.sha256Hash' });

const onlyPersisted = ({ kind }: Viewer): RequestRefused =>
  refuse(
    'PERSISTED_OPERATIONS_ONLY',
    kind === 'public'
      ? 'Without a key only operations of the hub are taken: send the id of one (`documentId`, or `extensions.persistedQuery`), or a key.'
      : 'This key takes persisted operations only: send the id of one of the hub or of your own (`documentId`, or `extensions.persistedQuery`); `publishOperations` adds to your own.',
    { field: 'query' },
  );

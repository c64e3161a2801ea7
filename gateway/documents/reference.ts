/**
 * How a request names a document instead of sending it: Apollo's `extensions.persistedQuery`
 * (https://www.apollographql.com/docs/apollo-server/performance/apq), or `documentId` of GraphQL over HTTP's appendix
 * on persisted documents, which is the id of a published operation or `sha256:` and the hash of its text.
 */
import { refuse } from '../errors.ts';

/** `hash`: Apollo's form, whose clients send the text as well once they were told that it is not known. */
export type Reference = { readonly form: 'hash' | 'id'; readonly id: string };

const maxLength = 300;

/** Null where the request names none. Throws RequestRefused for names that are not well-formed, or two of them. */
export const referenceOf = (query: string | null, documentId: unknown, extensions: Readonly<Record<string, unknown>> | null): Reference | null => {
  const persisted = extensions?.['persistedQuery'];
  if (documentId === undefined || documentId === null) return persisted === undefined || persisted === null ? null : hashIn(persisted);
  if (typeof documentId !== 'string' || documentId === '' || documentId.length > maxLength) throw malformed('documentId', `\`documentId\` must be a text of 1 to ${maxLength} characters.`);
  if (query !== null || (persisted !== undefined && persisted !== null)) throw malformed('documentId', 'Send one of `documentId`, `query` and `extensions.persistedQuery`.');
  return { form: 'id', id: withoutAlgorithm(documentId) };
};

/** The appendix names the algorithm in front of a hash. */
const withoutAlgorithm = (id: string): string => (/^sha256:[0-9a-f]{64}$/i.test(id) ? id.slice('sha256:'.length).toLowerCase() : id);

const hashIn = (persisted: unknown): Reference => {
  const { version, sha256Hash } = Object(persisted) as Readonly<Record<string, unknown>>;
  if (version !== 1) throw malformed('extensions.persistedQuery.version', '`extensions.persistedQuery.version` must be 1.');
  if (typeof sha256Hash !== 'string' || sha256Hash === '' || sha256Hash.length > maxLength) throw malformed('extensions.persistedQuery.sha256Hash', `\`extensions.persistedQuery.sha256Hash\` must be a text of 1 to ${maxLength} characters.`);
  return { form: 'hash', id: sha256Hash };
};

const malformed = (field: string, message: string) => refuse('BAD_REQUEST', message, { field });

/** In the words that Apollo's clients understand: those of the first form send the text then. */
export const notFound = ({ form, id }: Reference) =>
  refuse('PERSISTED_QUERY_NOT_FOUND', form === 'hash' ? 'PersistedQueryNotFound' : `There is no operation with the id ${JSON.stringify(id)}.`, { field: form === 'hash' ? 'extensions.persistedQuery.sha256Hash' : 'documentId' });

/** Where no documents are kept at all. */
export const notSupported = () => refuse('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported', { field: 'query' });

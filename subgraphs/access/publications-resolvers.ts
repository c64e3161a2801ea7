/** Publishing operations, and what a change of the schema would break of them. */
import { ForbiddenError, InputError } from '#core/errors.ts';
import { brokenAmong } from '#core/operations-port.ts';
import { type Viewer, isAllowed, termsOf } from '#core/viewer.ts';
import type { MutationResolvers, PublishedOperationResolvers, QueryResolvers, SchemaCheckResolvers, UserError } from './generated/types.ts';
import type { PublishedOperation } from './publications-entity.ts';
import { createPublishedOperations, listPublished, publish, withdraw } from './publications.ts';
import { readPublications } from './publications-request.ts';

/** The viewer's own client unless another one is named, which is for admins. */
const clientOf = (viewer: Viewer, named: string | null | undefined): string => {
  const own = termsOf(viewer).client;
  const client = named?.trim() ?? own;
  if (client === null) throw new InputError('CLIENT_MISSING', 'client', 'This credential belongs to no client: name the client whose operations are meant.');
  if (client === '' || client.length > 200) throw new InputError('NAME_INVALID', 'client', 'The name of a client has 1 to 200 characters.');
  if (client !== own && !isAllowed(viewer, 'admin')) throw new ForbiddenError('Operations of other clients need the permission admin.', { permission: 'admin' });
  return client;
};

/** What the caller can mend is told as `userErrors`. */
const mendable = async <Payload>(work: () => Promise<Payload>, refused: (userErrors: readonly UserError[]) => Payload): Promise<Payload> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputError) return refused([{ code: error.code, field: error.field, message: error.message }]);
    throw error;
  }
};

export const publicationQueries: Pick<QueryResolvers, 'publishedOperations' | 'schemaCheck'> = {
  publishedOperations: (_parent, { client, ...page }, { em, viewer }) => listPublished(em, clientOf(viewer, client), page),
  async schemaCheck(_parent, { supergraph }, { hub }) {
    const check = hub.operations.against(supergraph);
    const operations = [...hub.operations.own, ...(await createPublishedOperations(hub).all())];
    return { checked: operations.length, broken: await brokenAmong(operations, check) };
  },
};

type Refusable = { readonly client: string | null; readonly userErrors: readonly UserError[] };
type Publishing = Refusable & { readonly added: readonly PublishedOperation[]; readonly unchanged: number };
type Withdrawing = Refusable & { readonly withdrawn: readonly string[] };

export const publicationMutations: Pick<MutationResolvers, 'publishOperations' | 'withdrawOperations'> = {
  publishOperations: (_parent, { input }, { em, hub, viewer }) =>
    mendable<Publishing>(
      async () => {
        const client = clientOf(viewer, input.client);
        const { publications, userErrors } = readPublications(input, hub.operations.current());
        if (userErrors.length > 0) return { client, added: [], unchanged: 0, userErrors };
        return { client, ...(await publish(em, hub, { client, by: viewer.keyId }, publications)), userErrors: [] };
      },
      (userErrors) => ({ client: null, added: [], unchanged: 0, userErrors }),
    ),
  withdrawOperations: (_parent, { input }, { em, hub, viewer }) =>
    mendable<Withdrawing>(
      async () => {
        if (input.ids.length > maxIds) throw new InputError('IDS_EXCEEDED', 'input.ids', `${input.ids.length} ids are given; the maximum is ${maxIds}.`, { value: input.ids.length, maximum: maxIds });
        const client = clientOf(viewer, input.client);
        return { client, withdrawn: await withdraw(em, hub, { client, by: viewer.keyId }, input.ids), userErrors: [] };
      },
      (userErrors) => ({ client: null, withdrawn: [], userErrors }),
    ),
};

const maxIds = 1_000;

const typeNames = { query: 'QUERY', mutation: 'MUTATION', subscription: 'SUBSCRIPTION' } as const;

export const publishedOperation: PublishedOperationResolvers = { type: ({ type }) => typeNames[type] };

const maxTold = 1_000;

export const schemaCheck: SchemaCheckResolvers = {
  brokenCount: ({ broken }) => broken.length,
  broken: ({ broken }) => broken.slice(0, maxTold).map(({ operation, mistakes }) => ({ client: operation.client, id: operation.id, name: operation.name, mistakes })),
};

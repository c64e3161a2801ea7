/** Which documents clients may send to this hub, put together from its configuration, its files and what clients published. */
import type { Config } from '#core/config.ts';
import type { PublishedOperations } from '#core/published-operations.ts';
import type { Documents } from '#gateway/doors/admission.ts';
import { createAutomaticDocuments } from '#gateway/documents/automatic-documents.ts';
import type { Closing } from '#gateway/documents/closing.ts';
import { createDocuments } from '#gateway/documents/documents.ts';
import { createKnownOperations } from '#gateway/documents/known-operations.ts';
import type { Gateway } from '#gateway/index.ts';
import type { Foundation } from './foundation.ts';

export type DocumentsOfHub = Disposable & { readonly documents: Documents };

export const openDocuments = ({ hub, subgraphs }: Foundation, { freeText }: Config, gateway: Gateway, closing: Closing): DocumentsOfHub => {
  const published = subgraphs.flatMap(({ publishedOperations }) => (publishedOperations ? [publishedOperations(hub)] : []))[0] ?? noOperations;
  const known = createKnownOperations({ own: hub.operations.own, published, bus: hub.bus });
  const automatic = createAutomaticDocuments({ cache: hub.cache, logger: hub.logger });
  return { documents: createDocuments({ gateway, known, automatic, closing, freeText }), [Symbol.dispose]: () => known[Symbol.dispose]() };
};

const noOperations: PublishedOperations = { of: async () => [], all: async () => [] };

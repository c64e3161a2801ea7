/** Which documents clients may send to this hub, put together from its configuration, its files and what clients published. */
import type { Config } from '#core/config.ts';
import { type BrokenOperation, brokenAmong } from '#core/operations-port.ts';
import type { PublishedOperations } from '#core/published-operations.ts';
import type { Documents } from '#gateway/doors/admission.ts';
import { createAutomaticDocuments } from '#gateway/documents/automatic-documents.ts';
import type { Closing } from '#gateway/documents/closing.ts';
import { createDocuments } from '#gateway/documents/documents.ts';
import { createKnownOperations } from '#gateway/documents/known-operations.ts';
import { createOperationCheck } from '#gateway/documents/operation-check.ts';
import type { Gateway } from '#gateway/index.ts';
import type { Foundation } from './foundation.ts';

export type DocumentsOfHub = Disposable & {
  readonly documents: Documents;
  /** Tells, in the log and in the metrics, which persisted operations the serving supergraph would refuse. Never rejects. */
  reportBroken(): Promise<readonly BrokenOperation[]>;
};

export const openDocuments = ({ hub, subgraphs }: Foundation, { freeText, limits }: Config, gateway: Gateway, closing: Closing): DocumentsOfHub => {
  const published = subgraphs.flatMap(({ publishedOperations }) => (publishedOperations ? [publishedOperations(hub)] : []))[0] ?? noOperations;
  const known = createKnownOperations({ own: hub.operations.own, published, bus: hub.bus });
  const automatic = createAutomaticDocuments({ cache: hub.cache, logger: hub.logger });
  return {
    documents: createDocuments({ gateway, known, automatic, closing, freeText }),
    async reportBroken() {
      try {
        const broken = await brokenAmong([...hub.operations.own, ...(await published.all())], createOperationCheck(gateway.apiSchema(), limits.document));
        const ofHub = broken.filter(({ operation }) => operation.client === null).length;
        gateway.counts.brokenOperations = { hub: ofHub, clients: broken.length - ofHub };
        for (const { operation: { client, id, name }, mistakes } of broken.slice(0, maxTold)) hub.logger.warn({ client, operation: name, id, mistakes: mistakes.slice(0, 3) }, 'a persisted operation is not valid by the supergraph that is served');
        return broken;
      } catch (error) {
        hub.logger.error({ err: error }, 'persisted operations could not be checked');
        return [];
      }
    },
    [Symbol.dispose]: () => known[Symbol.dispose](),
  };
};

const maxTold = 100;

const noOperations: PublishedOperations = { of: async () => [], all: async () => [] };

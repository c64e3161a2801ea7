/**
 * What every door does with a request before it is answered: find its document, and hold it to what its client may cost.
 * A refusal is thrown (`RequestRefused`); nothing of the request was executed then.
 */
import type { Viewer } from '#core/viewer.ts';
import type { Answer } from '../answer.ts';
import { notSupported } from '../documents/reference.ts';
import { RequestRefused } from '../errors.ts';
import type { Gateway } from '../index.ts';
import { clientOf } from '../observe/client-counts.ts';
import type { Operation, Variables } from '../operations.ts';
import type { Parameters } from './graphql-over-http.ts';

/** Who asks, and from where: what has no key is told apart by its address. */
export type Asker = { readonly viewer: Viewer; readonly address: string };

/** Parameters whose document is known. */
export type Asked = Omit<Parameters, 'query'> & { readonly query: string };

export const hasText = (parameters: Parameters): parameters is Asked => parameters.query !== null;

/** Which documents a client may send, and in which form. */
export type Documents = {
  find(parameters: Parameters, viewer: Viewer): Asked | Promise<Asked>;
  /** Throws RequestRefused for an operation that the viewer may not send, whatever it may see. */
  check(operation: Operation, viewer: Viewer): void;
  /** What the viewer is told of its mistakes. */
  explain(refused: RequestRefused, viewer: Viewer): RequestRefused;
};

/** What a client may cost. */
export type Budgets = { charge(operation: Operation, variables: Variables | null, asker: Asker): Charge | Promise<Charge> };

/** What one request took of a budget. */
export type Charge = {
  /** What the operation can cost at most; absent where nobody counts. */
  readonly cost?: number | undefined;
  /** For clients over HTTP: what is left of the budget, such as `RateLimit`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Told how the request was answered: what it cost less than was feared is given back. */
  settle(answer: Answer): void;
};

export type Admitted = Charge & { readonly asked: Asked; readonly operation: Operation };

export type Admission = { admit(parameters: Parameters, asker: Asker): Promise<Admitted> };

export type AdmissionOptions = { readonly gateway: Gateway; readonly documents?: Documents | undefined; readonly budgets?: Budgets | undefined };

/** Without `documents` every document is taken as it is; without `budgets` nothing is counted. */
export const createAdmission = ({ gateway, documents = asSent, budgets }: AdmissionOptions): Admission => ({
  async admit(parameters, asker) {
    const begun = performance.now();
    const { viewer } = asker;
    const asked = await documents.find(parameters, viewer);
    const operation = operationOf(gateway, asked, documents, viewer);
    documents.check(operation, viewer);
    const charge = budgets ? await charged(gateway, budgets, operation, asked, asker) : free;
    const settle = (answer: Answer) => {
      gateway.counts.clients.add(clientOf(asker.viewer), operation.name, performance.now() - begun, answer.cost ?? charge.cost);
      charge.settle(answer);
    };
    return { asked, operation, cost: charge.cost, headers: charge.headers, settle };
  },
});

/** What is refused here never gets to the gateway, which would count it. */
const charged = async ({ counts }: Gateway, budgets: Budgets, operation: Operation, { variables }: Asked, asker: Asker): Promise<Charge> => {
  try {
    return await budgets.charge(operation, variables, asker);
  } catch (error) {
    if (error instanceof RequestRefused) counts.operations[operation.kind].add(error.code);
    throw error;
  }
};

const operationOf = (gateway: Gateway, asked: Asked, documents: Documents, viewer: Viewer): Operation => {
  try {
    return gateway.operationOf(asked);
  } catch (error) {
    throw error instanceof RequestRefused ? documents.explain(error, viewer) : error;
  }
};

const asSent: Documents = {
  find(parameters) {
    if (!hasText(parameters)) throw notSupported();
    return parameters;
  },
  check: () => undefined,
  explain: (refused) => refused,
};
const free: Charge = { headers: {}, settle: () => undefined };

/**
 * Identical queries that are under way at the same time are executed once: the same operation and variables, asked by
 * the same viewer. The whole viewer counts, not only its rights: a subgraph may answer who is asking.
 */
import { type Viewer, serializeViewer } from '#core/viewer.ts';
import type { Answer } from './answer.ts';
import type { GatewayRequest } from './gateway-request.ts';
import type { Operation } from './operations.ts';

/** `signal` is aborted when everybody who waits has gone. */
export type Execute = (signal: AbortSignal) => Promise<Answer>;

export type SharedAnswers = {
  /** `version`: what must be equal besides. */
  answer(operation: Operation, request: GatewayRequest, execute: Execute, version?: string): Promise<Answer>;
  /** After a mutation: who asks from now on does not get an answer that was begun before. */
  renew(): void;
  /** How many requests got the answer of another one. */
  readonly count: number;
};

type UnderWay = { readonly abort: AbortController; readonly answer: Promise<Answer>; readonly deadline: number | undefined; waiting: number };

export const createSharedAnswers = (): SharedAnswers => {
  const byOperation = new WeakMap<Operation, Map<string, UnderWay>>();
  let count = 0;
  let generation = 0;
  return {
    renew: () => void generation++,
    get count() {
      return count;
    },
    answer(operation, request, execute, version = '') {
      let underWay = byOperation.get(operation);
      if (!underWay) byOperation.set(operation, (underWay = new Map<string, UnderWay>()));
      const key = `${generation}\n${version}\n${viewerKey(request.viewer)}\n${request.variables ? JSON.stringify(request.variables) : ''}`;
      const known = underWay.get(key);
      if (!known || !hasTimeFor(known, request)) return wait(begin(underWay, key, request.deadline, execute), request.signal);
      count++;
      return wait(known, request.signal);
    },
  };
};

/** Who joins late would be given up with the one who began, though there was more time: half of it is enough to join. */
const hasTimeFor = ({ deadline }: UnderWay, request: GatewayRequest): boolean => {
  if (deadline === undefined) return true;
  const now = Date.now();
  return request.deadline !== undefined && deadline - now >= (request.deadline - now) / 2;
};

const begin = (underWay: Map<string, UnderWay>, key: string, deadline: number | undefined, execute: Execute): UnderWay => {
  const abort = new AbortController();
  const forget = () => underWay.get(key) === begun && underWay.delete(key);
  const begun: UnderWay = { abort, answer: execute(abort.signal).finally(forget), deadline, waiting: 0 };
  // Nobody may join what is being given up.
  abort.signal.addEventListener('abort', forget, { once: true });
  underWay.set(key, begun);
  return begun;
};

const wait = async (underWay: UnderWay, signal: AbortSignal): Promise<Answer> => {
  underWay.waiting++;
  const leave = () => --underWay.waiting === 0 && underWay.abort.abort();
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  try {
    return await underWay.answer;
  } finally {
    signal.removeEventListener('abort', leave);
  }
};

const keys = new WeakMap<Viewer, string>();
const viewerKey = (viewer: Viewer): string => {
  let key = keys.get(viewer);
  if (key === undefined) keys.set(viewer, (key = JSON.stringify(serializeViewer(viewer))));
  return key;
};

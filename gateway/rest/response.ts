/** What a REST request is answered, before any server sends it. */
import type { Logger } from '#core/logging.ts';
import { RequestRefused, formatThrown } from '../errors.ts';
import { ProblemError, problemOf, problemOfErrors, problemType } from './problem.ts';

export type RestResponse = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };

export const jsonType = 'application/json; charset=utf-8';
/** Answers differ by key, and some hold secrets. */
export const notStored = { 'cache-control': 'no-store' };

export const success = (status: number, headers: Readonly<Record<string, string>>, body: string): RestResponse => ({ status, headers: { ...notStored, ...headers, 'content-type': jsonType }, body });

/** Whatever was thrown, as a problem. */
export const responseTo = (error: unknown, { url, requestId }: { readonly url: string; readonly requestId: string }, headers: Readonly<Record<string, string>>, logger: Logger): RestResponse => {
  const mistake = error instanceof ProblemError ? error : problemOfErrors(formatThrown(error, requestId, error instanceof RequestRefused ? undefined : (cause) => logger.error({ err: cause, requestId }, 'request failed')), (field) => field);
  const problem = problemOf(mistake, url.split('?')[0] ?? '', requestId);
  const wait = mistake.facts['retryAfter'];
  const refused = error instanceof RequestRefused ? error.headers : {};
  return {
    status: problem.status,
    headers: { ...notStored, ...headers, ...refused, 'content-type': problemType, ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}), ...(typeof wait === 'number' ? { 'retry-after': String(Math.max(1, Math.ceil(wait))) } : {}) },
    body: JSON.stringify(problem),
  };
};

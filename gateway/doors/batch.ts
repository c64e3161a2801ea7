/**
 * Several operations in one request, as Apollo's clients batch them: an array of bodies, answered by an array in the same
 * order. Each is admitted and charged by itself; they run beside each other, and none is streamed.
 */
import { Answer, refusal } from '../answer.ts';
import { RequestRefused, type ReportError, formatThrown, refuse } from '../errors.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import type { Gateway } from '../index.ts';
import type { Admission } from './admission.ts';
import { parametersOfBody } from './graphql-over-http.ts';

export type BatchOptions = { readonly gateway: Gateway; readonly admission: Admission; readonly maximum: number; readonly report: ReportError };

/** Who asks for all of them, and from where. */
export type BatchRequest = Pick<GatewayRequest, 'viewer' | 'requestId' | 'signal' | 'deadline'> & { readonly address: string };

export type BatchAnswer = { readonly answer: Answer; readonly headers: Readonly<Record<string, string>>; readonly answers: readonly Answer[] };

/** Throws RequestRefused where there are too many or none. */
export const answerBatch = async (bodies: readonly unknown[], request: BatchRequest, options: BatchOptions): Promise<BatchAnswer> => {
  if (bodies.length === 0) throw refuse('BAD_REQUEST', 'The batch has no operation.', { field: 'body' });
  if (bodies.length > options.maximum) throw tooMany(bodies.length, options.maximum);
  const each = await Promise.all(bodies.map((body) => answerOne(body, request, options)));
  const answers = each.map(({ answer }) => answer);
  const bytes = Buffer.concat([Buffer.from('['), ...answers.flatMap(({ bytes: part }, index) => (index === 0 ? [part] : [comma, part])), Buffer.from(']')]);
  return { answers, answer: new Answer(bytes, answers.some(({ hasData }) => hasData), answers.flatMap(({ errors }) => errors)), headers: Object.fromEntries(each.flatMap(({ headers }) => Object.entries(headers))) };
};

const comma = Buffer.from(',');

const answerOne = async (body: unknown, { address, ...request }: BatchRequest, { gateway, admission, report }: BatchOptions): Promise<{ readonly answer: Answer; readonly headers: Readonly<Record<string, string>> }> => {
  try {
    const { asked, operation, headers, settle } = await admission.admit(parametersOfBody(body), { viewer: request.viewer, address });
    // A subscription is refused by what answers queries.
    const answer = await gateway.answer({ ...asked, ...request, deadline: operation.kind === 'query' ? request.deadline : undefined });
    settle(answer);
    return { answer, headers };
  } catch (error) {
    return { answer: refusal(formatThrown(error, request.requestId, report)), headers: error instanceof RequestRefused ? error.headers : {} };
  }
};

const tooMany = (value: number, maximum: number): RequestRefused =>
  refuse('MAX_BATCH_EXCEEDED', maximum === 1 ? `This server takes one operation a request; this batch has ${value}.` : `The batch has ${value} operations; the maximum is ${maximum}.`, { limit: 'operations in a batch', value, maximum });

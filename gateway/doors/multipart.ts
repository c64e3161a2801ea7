/**
 * Answers in parts (`multipart/mixed`): Apollo's multipart subscription protocol, and incremental delivery
 * (https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol).
 *
 * Each part is sent with the delimiter that follows it, as a client knows only by that one that the part is whole.
 */
import type { FastifyReply } from 'fastify';
import type { GraphQLFormattedError } from 'graphql';
import type { Answer } from '../answer.ts';
import { beginStream } from './streamed-response.ts';
import { type StreamFormat, once } from './stream-formats.ts';

const delimiter = '\r\n---';
const before = Buffer.from('\r\ncontent-type: application/json; charset=utf-8\r\n\r\n');
const after = Buffer.from(delimiter);
const opening = Buffer.from(delimiter);
const ending = Buffer.from('--\r\n');

const partOf = (...json: readonly Uint8Array[]): Buffer => Buffer.concat([before, ...json, after]);

const payloadStart = Buffer.from('{"payload":');
const payloadEnd = Buffer.from('}');
const fatal = (errors: readonly GraphQLFormattedError[]): Buffer => partOf(Buffer.from(JSON.stringify({ payload: null, errors })));

export const multipartSubscription: StreamFormat = {
  contentType: 'multipart/mixed;boundary="-";subscriptionSpec=1.0',
  opening,
  heartbeat: partOf(Buffer.from('{}')),
  // Without data it ends the subscription, which this protocol tells apart from errors of an event.
  next: once(({ bytes, hasData, errors }) => (hasData ? partOf(payloadStart, bytes, payloadEnd) : fatal(errors))),
  ending,
  failed: (errors) => Buffer.concat([fatal(errors), ending]),
  interrupted: Buffer.concat([fatal([{ message: 'The server goes away. Subscribe again.', extensions: { code: 'SERVER_GOING_AWAY' } }]), ending]),
};

/** The header of an answer whose deferred parts follow (`@defer`). */
export const multipartDefer = 'multipart/mixed;boundary="-";deferSpec=20220824';

/**
 * Sends the parts of an answer as they come; resolved when the client has them all or has gone, after which no
 * further part is asked for. Never waits for more than one part that a slow client has not taken.
 */
export const sendMultipart = async (reply: FastifyReply, contentType: string, parts: AsyncIterable<Answer>): Promise<void> => {
  const response = beginStream(reply, contentType, opening);
  const iterator = parts[Symbol.asyncIterator]();
  response.whenClosed(() => void iterator.return?.());
  try {
    for (let part = await iterator.next(); !part.done && !response.isClosed; part = await iterator.next()) await new Promise<void>((sent) => response.write(partOf(part.value.bytes), sent));
    response.end(ending);
  } catch (error) {
    // What follows cannot be told any more: the client sees that the answer is not whole.
    response.cut();
    throw error;
  }
};

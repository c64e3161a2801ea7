/**
 * GraphQL over Server-Sent Events, "distinct connections mode": one request, one stream of `next` events, and `complete`
 * (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md). Queries and mutations are answered the same way.
 */
import { refusal } from '../answer.ts';
import { type StreamFormat, once } from './stream-formats.ts';

const start = Buffer.from('event: next\ndata: ');
const end = Buffer.from('\n\n');
/** The empty `data` is for EventSource, which tells of no event without it. */
const complete = Buffer.from('event: complete\ndata: \n\n');
const comment = Buffer.from(':\n\n');

const next: StreamFormat['next'] = once(({ bytes }) => Buffer.concat([start, bytes, end]));

export const sse: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  opening: comment,
  heartbeat: comment,
  next,
  ending: complete,
  failed: (errors) => Buffer.concat([next(refusal(errors)), complete]),
  // Without `complete`: clients take that for a lost connection, and connect again.
  interrupted: Buffer.alloc(0),
};

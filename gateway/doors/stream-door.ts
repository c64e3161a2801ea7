/** The gateway's streams over HTTP: who may open one, what goes through it, and how it ends. */
import type { FastifyReply } from 'fastify';
import type { Viewer } from '#core/viewer.ts';
import { type Answer, refusal } from '../answer.ts';
import type { StreamType } from './graphql-over-http.ts';
import type { LiveConnections } from './live-connections.ts';
import { type OpenLimit, ownerOf, tooManyOpen } from './open-limit.ts';
import { multipartSubscription } from './multipart.ts';
import { readInto } from '../live/reader.ts';
import { sse } from './sse.ts';
import type { StreamFormat } from './stream-formats.ts';
import { type StreamedResponse, beginStream } from './streamed-response.ts';

export type StreamDoorOptions = {
  readonly connections: LiveConnections;
  /** Subscriptions and streams of each credential, or of each address without any. */
  readonly open: OpenLimit;
  /** Milliseconds between signs of life on a stream that says nothing. */
  readonly heartbeatMs?: number | undefined;
};

export type StreamDoor = {
  /** Why this credential or address may not open another stream; null where it may, which counts until the response closes. */
  refuses(reply: FastifyReply, credential: string | null): Answer | null;
  /** Sends answers, or one answer, as a stream from here on. */
  send(reply: FastifyReply, type: StreamType, answers: AsyncIterableIterator<Answer> | Answer, who: Who): FastifyReply;
};

export type Who = { readonly viewer: Viewer; readonly credential: string | null };

const formats: Readonly<Record<StreamType, StreamFormat>> = { sse, multipart: multipartSubscription };

const forbidden = [{ message: 'The credential does not hold any more.', extensions: { code: 'UNAUTHENTICATED' } }];

export const createStreamDoor = ({ connections, open, heartbeatMs = 10_000 }: StreamDoorOptions): StreamDoor => {
  return {
    refuses(reply, credential) {
      if (connections.isClosing) return refusal([{ message: 'The server goes away.', extensions: { code: 'SERVER_GOING_AWAY' } }]);
      // Nobody would count down for a client that has gone already.
      if (reply.raw.closed) return null;
      // At once, so that many who come together are counted too.
      const leave = open.enter(ownerOf(credential, reply.request.ip));
      if (!leave) return refusal(tooManyOpen('subscriptions', open.maximum).errors);
      reply.raw.once('close', leave);
      return null;
    },
    send(reply, type, answers, { viewer, credential }) {
      const format = formats[type];
      const response = beginStream(reply, format.contentType, format.opening);
      if (!(Symbol.asyncIterator in answers)) {
        response.write(format.next(answers), () => response.end(format.ending));
        return reply;
      }
      const stop = flow(response, format, answers, heartbeatMs);
      const live = connections.add((why, withinMs) => {
        const timer = setTimeout(response.cut, withinMs);
        response.whenClosed(() => clearTimeout(timer));
        stop(why === 'forbidden' ? format.failed(forbidden) : format.interrupted);
      });
      response.whenClosed(() => live.gone());
      live.admit(viewer, credential);
      return reply;
    },
  };
};

/** Answers what ends it from this side, with the frame that says why. */
const flow = (response: StreamedResponse, format: StreamFormat, answers: AsyncIterableIterator<Answer>, heartbeatMs: number): ((frame: Buffer) => void) => {
  let isWriting = false;
  let lastFrame = format.ending;
  const write = (frame: Buffer, then: () => void) => {
    isWriting = true;
    response.write(frame, () => {
      isWriting = false;
      then();
    });
  };
  const reading = readInto(answers, {
    next(answer) {
      write(format.next(answer), () => reading.ready());
      return false;
    },
    end: () => response.end(lastFrame),
  });
  // Behind an answer that was not taken yet, a sign of life would only queue.
  const heart = setInterval(() => isWriting || write(format.heartbeat, () => undefined), heartbeatMs);
  response.whenClosed(() => {
    clearInterval(heart);
    reading.leave();
  });
  reading.ready();
  return (frame) => {
    lastFrame = frame;
    reading.leave();
    response.end(frame);
  };
};

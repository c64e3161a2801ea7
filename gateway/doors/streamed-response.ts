/** A response that is written as there is something to say, and not before the client took what was said last. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

export type StreamedResponse = {
  readonly isClosed: boolean;
  /** `sent` is called when the operating system took the bytes, or the client has gone. */
  write(frame: Buffer, sent: () => void): void;
  end(frame: Buffer): void;
  cut(): void;
  whenClosed(then: () => void): void;
};

/** Takes the response over from Fastify, with the headers that were set so far, and sends the opening. */
export const beginStream = (reply: FastifyReply, contentType: string, opening: Buffer): StreamedResponse => {
  const { raw } = reply.hijack();
  raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), 'x-request-id': reply.request.id, 'content-type': contentType, 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' });
  raw.on('error', () => raw.destroy());
  raw.write(opening);
  return responseOf(raw);
};

const responseOf = (raw: ServerResponse): StreamedResponse => {
  let isEnded = false;
  return {
    get isClosed() {
      return isEnded || raw.destroyed;
    },
    write(frame, sent) {
      if (isEnded || raw.destroyed) return sent();
      raw.write(frame, sent);
    },
    end(frame) {
      if (isEnded) return;
      isEnded = true;
      raw.end(frame);
    },
    cut: () => void raw.destroy(),
    whenClosed: (then) => void (raw.closed ? then() : raw.once('close', then)),
  };
};

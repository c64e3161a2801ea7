/** How a streamed response is written, for each transport that can stream over HTTP. Frames are made once per answer. */
import type { GraphQLFormattedError } from 'graphql';
import type { Answer } from '../answer.ts';

export type StreamFormat = {
  readonly contentType: string;
  /** Sent at once, so that the client knows that it is connected. */
  readonly opening: Buffer;
  /** Keeps what is between client and server from closing a connection that says nothing. */
  readonly heartbeat: Buffer;
  next(answer: Answer): Buffer;
  /** What ends the response when the operation is complete. */
  readonly ending: Buffer;
  /** The same, where it ends for another reason. */
  failed(errors: readonly GraphQLFormattedError[]): Buffer;
  /** The same, where the server goes away: a client may connect again. */
  readonly interrupted: Buffer;
};

export const once = (make: (answer: Answer) => Buffer): ((answer: Answer) => Buffer) => {
  const made = new WeakMap<Answer, Buffer>();
  return (answer) => {
    let frame = made.get(answer);
    if (!frame) made.set(answer, (frame = make(answer)));
    return frame;
  };
};

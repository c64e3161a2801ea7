/**
 * What one WebSocket connection has open, and its messages. An answer is encoded once, whoever receives it: each
 * subscriber's message is two fragments, a head of its own and the bytes that all of them share.
 */
import type { Duplex } from 'node:stream';
import { GraphQLError, type GraphQLFormattedError, parse } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Logger } from '#core/logging.ts';
import { type Answer, refusal } from '../answer.ts';
import type { Admission } from './admission.ts';
import { parametersOfBody } from './graphql-over-http.ts';
import { formatThrown } from '../errors.ts';
import type { Gateway } from '../index.ts';
import { clientOf } from '../observe/client-counts.ts';
import type { LiveConnection } from './live-connections.ts';
import { type Reading, readInto } from '../live/reader.ts';
import { type OpenLimit, ownerOf, tooManyOpen } from './open-limit.ts';

/** Who is at the other end; the viewer is known once the connection was admitted. */
type Peer = { readonly live: LiveConnection; readonly address: string; endIdle(): void };

export type OperationOptions = { readonly gateway: Gateway; readonly admission: Admission; readonly logger: Logger; readonly maxOperations: number; readonly open: OpenLimit; readonly idleMs: number };

/** graphql-ws looks into the document for the kind of operation and nothing else: the gateway has its own pipeline. */
const documents = { query: parse('{ __typename }'), mutation: parse('mutation { __typename }'), subscription: parse('subscription { __typename }') };

export class SocketOperations {
  readonly id: string = crypto.randomUUID();
  readonly #socket: WebSocket;
  /** What the socket writes to: corked, the parts of a message go in one call to the operating system. */
  readonly #stream: Duplex;
  readonly #peer: Peer;
  readonly #options: OperationOptions;
  readonly #abort = new AbortController();
  #open = 0;
  /** By id: what ends the count of a subscription. */
  readonly #leave = new Map<string, () => void>();
  readonly #idle: NodeJS.Timeout;

  constructor(socket: WebSocket, stream: Duplex, peer: Peer, options: OperationOptions) {
    this.#socket = socket;
    this.#stream = stream;
    this.#peer = peer;
    this.#options = options;
    this.#idle = setTimeout(() => this.#open === 0 && peer.endIdle(), options.idleMs).unref();
  }

  /** Resolved when the operating system took the bytes. */
  send(text: string): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      if (socket.readyState !== WebSocket.OPEN) return resolve();
      socket.send(text, (error) => (error && socket.readyState === WebSocket.OPEN ? reject(error) : resolve()));
    });
  }

  /** `sent` is called when the operating system took the bytes. */
  sendNext(head: Buffer, answer: Answer, sent: () => void): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#stream.cork();
    this.#socket.send(head, { binary: false, fin: false });
    this.#socket.send(bodyOf(answer), { binary: false, fin: true }, sent);
    this.#stream.uncork();
  }

  /** For graphql-ws: what it shall run, or errors. A request that is refused is answered by `error` and not by `next`. */
  async start(id: string, payload: SubscribePayload) {
    const { gateway, admission, logger, maxOperations } = this.#options;
    const { live: { viewer, credential }, address } = this.#peer;
    if (!viewer) return told([{ message: 'The connection has no viewer.', extensions: { code: 'UNAUTHENTICATED' } }]);
    if (this.#open >= maxOperations) return told(tooManyOpen('operations of a connection', maxOperations).errors);
    this.#open++;
    const requestId = crypto.randomUUID();
    const begun = performance.now();
    try {
      const { asked, operation: { kind, name }, cost, settle } = await admission.admit(parametersOfBody(payload), { viewer, address });
      if (kind === 'subscription') this.#enter(id, ownerOf(credential, address), settle);
      // The protocol takes any number of results: whoever defers something gets it in parts.
      const request = { ...asked, viewer, requestId, signal: this.#abort.signal, inParts: true };
      const answer = await (kind === 'subscription' ? gateway.stream(request) : gateway.answer(request));
      if (!(Symbol.asyncIterator in answer)) settle(answer);
      const isStream = Symbol.asyncIterator in answer;
      logger.info({ requestId, connection: this.id, operation: name, kind, client: clientOf(viewer), key: viewer.keyId, cost: (isStream ? null : answer.cost) ?? cost, ms: Math.round(performance.now() - begun) }, 'websocket operation');
      if (!(Symbol.asyncIterator in answer) && !answer.hasData) return this.#release(id, answer.errors);
      return { schema: gateway.apiSchema(), document: documents[kind], rootValue: undefined, contextValue: new Sending(this, id, Symbol.asyncIterator in answer || !answer.rest ? answer : answer.parts) };
    } catch (error) {
      return this.#release(id, formatThrown(error, requestId, (cause) => logger.error({ err: cause, requestId }, 'websocket operation failed')));
    }
  }

  completed(id: string): void {
    this.#leave.get(id)?.();
    this.#leave.delete(id);
    this.#open = Math.max(0, this.#open - 1);
    if (this.#open === 0) this.#idle.refresh();
  }

  /** The socket has closed. */
  abort(): void {
    this.#abort.abort();
    clearTimeout(this.#idle);
    for (const leave of this.#leave.values()) leave();
    this.#leave.clear();
  }

  #enter(id: string, owner: string, settle: (answer: Answer) => void): void {
    const { open } = this.#options;
    const leave = open.enter(owner);
    if (leave) return void this.#leave.set(id, leave);
    const refused = tooManyOpen('subscriptions', open.maximum);
    settle(refusal(refused.errors));
    throw refused;
  }

  #release(id: string, errors: readonly GraphQLFormattedError[]): readonly GraphQLError[] {
    this.completed(id);
    return told(errors);
  }
}

/**
 * One operation as graphql-ws sees it: a stream of results that brings none and ends when the operation does. What there
 * is to send is sent beside it, ready-made; graphql-ws knows whether the operation is still wanted, and says `complete`.
 */
class Sending implements AsyncIterableIterator<never> {
  readonly #operations: SocketOperations;
  readonly #head: Buffer;
  readonly #answers: AsyncIterableIterator<Answer> | Answer;
  #reading: Reading | null = null;
  #resolve: ((end: IteratorReturnResult<undefined>) => void) | null = null;
  #isEnded = false;

  constructor(operations: SocketOperations, id: string, answers: AsyncIterableIterator<Answer> | Answer) {
    this.#operations = operations;
    this.#head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
    this.#answers = answers;
  }

  /** Asked for once, when the operation has begun. */
  next(): Promise<IteratorResult<never>> {
    if (!this.#isEnded) this.#begin();
    return this.#isEnded ? Promise.resolve(ended) : new Promise((resolve) => (this.#resolve = resolve));
  }

  return(): Promise<IteratorResult<never>> {
    if (this.#reading) this.#reading.leave();
    else if (Symbol.asyncIterator in this.#answers) void this.#answers.return?.();
    this.#end();
    return Promise.resolve(ended);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #begin(): void {
    const answers = this.#answers;
    if (!(Symbol.asyncIterator in answers)) {
      this.#operations.sendNext(this.#head, answers, ignore);
      return this.#end();
    }
    const sent = () => this.#reading?.ready();
    this.#reading = readInto(answers, {
      next: (answer) => {
        this.#operations.sendNext(this.#head, answer, sent);
        return false;
      },
      end: () => this.#end(),
    });
    this.#reading.ready();
  }

  #end(): void {
    this.#isEnded = true;
    this.#resolve?.(ended);
  }
}

const ended: IteratorReturnResult<undefined> = { value: undefined, done: true };
const ignore = (): void => undefined;

const bodies = new WeakMap<Answer, Buffer>();

/** The payload and the end of the message: the same bytes for everybody. */
const bodyOf = (answer: Answer): Buffer => {
  let body = bodies.get(answer);
  if (!body) bodies.set(answer, (body = Buffer.concat([answer.bytes, closing])));
  return body;
};
const closing = Buffer.from('}');

/** graphql-ws wants instances of GraphQLError; what is sent is the error as the gateway made it. */
class Told extends GraphQLError {
  readonly told: GraphQLFormattedError;

  constructor(error: GraphQLFormattedError) {
    super(error.message);
    this.told = error;
  }
}

const told = (errors: readonly GraphQLFormattedError[]): readonly GraphQLError[] => errors.map((error) => new Told(error));

export const toldErrors = (errors: readonly GraphQLError[]): readonly GraphQLFormattedError[] => errors.map((error) => (error instanceof Told ? error.told : error.toJSON()));

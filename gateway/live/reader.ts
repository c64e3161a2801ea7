/** Who takes the answers of one live operation, at its own pace. */
import type { Answer } from '../answer.ts';
import type { SourceEvent } from '../sources/data-source.ts';
import type { Flow } from './flow.ts';
import type { GatewayRequest } from '../gateway-request.ts';

/** Where answers go: a socket, a response, somebody who iterates. */
export type Sink = {
  /** Takes an answer; true where it takes the next at once, otherwise `Reading.ready` tells when. */
  next(answer: Answer): boolean;
  /** Nothing more comes. */
  end(): void;
};

export type Reading = {
  /** The last answer went: the next may come. To begin with, too. */
  ready(): void;
  leave(): void;
};

/** The answers of a live operation: iterated, or handed to a sink, which costs no promise for each; one of the two. */
export type Answers = AsyncIterableIterator<Answer> & { readInto(sink: Sink): Reading };

/** `answers` as `Gateway.stream` answers them, or the parts of one answer. */
export const readInto = (answers: AsyncIterableIterator<Answer>, sink: Sink): Reading => ('readInto' in answers ? (answers as Answers).readInto(sink) : readEach(answers, sink));

const readEach = (answers: AsyncIterableIterator<Answer>, sink: Sink): Reading => {
  let isEnded = false;
  const end = () => {
    if (isEnded) return;
    isEnded = true;
    void answers.return?.();
    sink.end();
  };
  const ready = () => {
    if (isEnded) return;
    answers.next().then((result) => {
      if (isEnded) return;
      if (result.done) end();
      else if (sink.next(result.value)) ready();
    }, end);
  };
  return { ready, leave: end };
};

const done: IteratorReturnResult<undefined> = { value: undefined, done: true };

export type ReaderOptions = {
  /** Opens a flow that goes on behind the last event. */
  readonly catchUp: (reader: Reader) => void;
  readonly ended: (reader: Reader) => void;
  readonly delivered: () => void;
};

export class Reader implements Answers, Reading {
  readonly request: GatewayRequest;
  /** Null while it is behind: it holds no stream then, only where it stands. */
  flow: Flow | null = null;
  /** The last event that it was told of. */
  last: SourceEvent | null = null;
  isReady = false;
  isEnded = false;
  #lastWords: Answer | null = null;
  #sink: Sink | null = null;
  #waiting: ((result: IteratorResult<Answer>) => void)[] | null = null;
  readonly #options: ReaderOptions;

  constructor(request: GatewayRequest, options: ReaderOptions) {
    this.request = request;
    this.#options = options;
    request.signal.addEventListener('abort', this.leave, { once: true });
    if (request.signal.aborted) this.leave();
  }

  readInto(sink: Sink): Reading {
    this.#sink = sink;
    if (this.isEnded) sink.end();
    return this;
  }

  ready(): void {
    if (this.#lastWords) return this.#speakLast(this.#lastWords);
    if (this.isEnded || this.isReady) return;
    this.isReady = true;
    if (this.flow) this.flow.memberReady();
    else this.#options.catchUp(this);
  }

  /** Only when ready. */
  take(event: SourceEvent, answer: Answer): void {
    this.last = event;
    this.isReady = false;
    this.#options.delivered();
    if (this.#sink?.next(answer)) this.isReady = true;
  }

  /** Ends it from this side; `answer` says why, and is told when the reader is ready for it. */
  finish(answer: Answer | null): void {
    if (this.isEnded) return;
    const { isReady } = this;
    this.#detach();
    if (!answer) this.#sink?.end();
    else if (isReady) this.#speakLast(answer);
    else this.#lastWords = answer;
  }

  readonly leave = (): void => {
    this.#lastWords = null;
    if (this.isEnded) return;
    this.#detach();
    this.#sink?.end();
  };

  next(): Promise<IteratorResult<Answer>> {
    if (this.isEnded && !this.#lastWords) return Promise.resolve(done);
    this.#sink ??= this.#iteration((this.#waiting = []));
    return new Promise((resolve) => {
      this.#waiting?.push(resolve);
      this.ready();
    });
  }

  return(): Promise<IteratorResult<Answer>> {
    this.leave();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #iteration(waiting: ((result: IteratorResult<Answer>) => void)[]): Sink {
    return {
      next(answer) {
        waiting.shift()?.({ value: answer, done: false });
        return waiting.length > 0;
      },
      end() {
        for (const resolve of waiting.splice(0)) resolve(done);
      },
    };
  }

  #speakLast(answer: Answer): void {
    this.#lastWords = null;
    this.#sink?.next(answer);
    this.#sink?.end();
  }

  #detach(): void {
    this.isEnded = true;
    this.request.signal.removeEventListener('abort', this.leave);
    const { flow } = this;
    this.flow = null;
    flow?.remove(this);
    this.#options.ended(this);
  }
}

/** Answers as they are sent: JSON, made once, whoever and however many receive it. */
import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { chain, withEnd } from './map-iterator.ts';

/** For how long caches may serve an answer: `until` in milliseconds of `performance.now()`; private ones to one viewer alone. */
export type Freshness = { readonly until: number; readonly isPrivate: boolean };

export class Answer {
  /** A GraphQL response (`{"data": …, "errors": […]}`) as JSON. */
  readonly bytes: Buffer;
  /** False where the request was refused before execution: no `data` at all. */
  readonly hasData: boolean;
  readonly errors: readonly GraphQLFormattedError[];
  /** The parts that come later (`@defer`); whoever has the answer reads them to their end or ends them. */
  readonly rest: AsyncIterableIterator<Answer> | undefined;
  /** What its objects cost, counted as `budgets/cost.ts` estimates; null where nobody counted. */
  readonly cost: number | null;
  /** Null for an answer that is not to be kept. Set by the cache. */
  freshness: Freshness | null = null;

  constructor(bytes: Buffer, hasData: boolean, errors: readonly GraphQLFormattedError[], rest?: AsyncIterableIterator<Answer>, cost: number | null = null) {
    this.bytes = bytes;
    this.hasData = hasData;
    this.errors = errors;
    this.rest = rest;
    this.cost = cost;
  }

  /** The same; `onEnd` is called when the last part was read, or nobody reads any more. */
  endingWith(onEnd: () => void): Answer {
    return this.rest ? new Answer(this.bytes, this.hasData, this.errors, withEnd(this.rest, onEnd)) : this;
  }

  /** This part and those that follow, for doors that send one after the other. */
  get parts(): AsyncIterableIterator<Answer> {
    return chain(this, this.rest);
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** For callers in this process: objects of their own. */
  get result(): FormattedExecutionResult {
    return JSON.parse(this.text) as FormattedExecutionResult;
  }
}

/** Of a request that was refused before execution. */
export const refusal = (errors: readonly GraphQLFormattedError[]): Answer => new Answer(Buffer.from(JSON.stringify({ errors })), false, errors);

/** Of an execution that came to nothing. */
export const failure = (errors: readonly GraphQLFormattedError[]): Answer => new Answer(Buffer.from(JSON.stringify({ data: null, errors })), true, errors);

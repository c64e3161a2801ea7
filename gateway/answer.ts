/** Answers as they are sent: JSON, made once, whoever and however many receive it. */
import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';

export class Answer {
  /** A GraphQL response (`{"data": …, "errors": […]}`) as JSON. */
  readonly bytes: Buffer;
  /** False where the request was refused before execution: no `data` at all. */
  readonly hasData: boolean;
  readonly errors: readonly GraphQLFormattedError[];

  constructor(bytes: Buffer, hasData: boolean, errors: readonly GraphQLFormattedError[]) {
    this.bytes = bytes;
    this.hasData = hasData;
    this.errors = errors;
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

/** Answers as they are sent: JSON text, made once, whoever and however many receive it. */
import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';

export type Answer = {
  /** A GraphQL response (`{"data": …}`, `{"errors": […], "data": …}`) as JSON. */
  readonly text: string;
  /** False where the request was refused before execution: no `data` at all. */
  readonly hasData: boolean;
  readonly errors: readonly GraphQLFormattedError[];
};

/** `data` is already JSON. */
export const answerOf = (data: string, errors: readonly GraphQLFormattedError[]): Answer => ({
  text: errors.length > 0 ? `{"errors":${JSON.stringify(errors)},"data":${data}}` : `{"data":${data}}`,
  hasData: true,
  errors,
});

export const refusal = (errors: readonly GraphQLFormattedError[]): Answer => ({ text: JSON.stringify({ errors }), hasData: false, errors });

/** For callers in this process. */
export const asResult = ({ text }: Answer): FormattedExecutionResult => JSON.parse(text) as FormattedExecutionResult;

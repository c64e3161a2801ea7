/** Answers in parts (`@defer`): the initial one, and then each deferred part as soon as its fetches have ended. */
import type { GraphQLFormattedError } from 'graphql';
import { Answer } from './answer.ts';
import type { DeferredBlock, Plan } from './plan/plan.ts';
import type { PlanRun } from './execute/run.ts';
import { type Completion, type Pending, complete, completeShape } from './shape/complete.ts';
import { JsonWriter } from './shape/json-writer.ts';
import { locateErrors } from './shape/locate-errors.ts';
import type { Selection } from './shape/selection.ts';
import type { Trace } from './trace.ts';

export type Incremental = {
  readonly plan: Plan;
  readonly run: PlanRun;
  /** What it has to tell comes with the last part. */
  readonly trace: Trace | undefined;
  readonly data: Record<string, unknown>;
  /** Errors of the fetches of each block. */
  readonly errors: readonly GraphQLFormattedError[][];
  /** The form of the answer as if nothing was deferred: what places of errors are in. */
  readonly whole: Selection;
  readonly initial: Selection;
  /** What the client calls each fragment. */
  readonly labels: ReadonlyMap<string, string | undefined>;
  readonly completion: Pick<Completion, 'knowsType' | 'shared' | 'tally'>;
  /** What the client is told of an error that ended a part. */
  readonly formatted: (error: unknown) => readonly GraphQLFormattedError[];
};

/** The initial part; the others are its `rest`. */
export const answerIncrementally = async (incremental: Incremental): Promise<Answer> => {
  await incremental.run.block(0);
  const { initial, data, completion } = incremental;
  const errors = errorsOf(incremental, 0);
  const writer = new JsonWriter();
  writer.ascii('{"data":');
  const pending = complete(initial, data, { ...completion, writer, errors });
  writeErrors(writer, errors);
  if (pending.length === 0) writer.json(lastWords(incremental));
  writer.ascii(`,"hasNext":${pending.length > 0}}`);
  return new Answer(writer.finish(), true, errors, pending.length > 0 ? partsOf(incremental, pending) : undefined);
};

/** Blocks end in any order; one is sent when the part that it hangs below was sent. */
async function* partsOf(incremental: Incremental, first: readonly Pending[]): AsyncGenerator<Answer, undefined> {
  const { plan, run } = incremental;
  const pending = [...first];
  const under = new Map<DeferredBlock, Promise<DeferredBlock>>();
  const open = (parent: number) => {
    for (const block of plan.deferred) if (block.parent === parent) under.set(block, run.block(block.block).then(() => block));
  };
  open(0);
  while (under.size > 0) {
    const block = await Promise.race(under.values());
    under.delete(block);
    open(block.block);
    const mine = pending.filter(({ label }) => label === block.label);
    const { parts, more } = completeParts(incremental, block, mine);
    pending.push(...more);
    const hasNext = under.size > 0;
    if (parts.length > 0 || !hasNext) yield asPart(parts, hasNext, hasNext ? '' : lastWords(incremental));
  }
  return undefined;
}

type Part = { readonly json: Buffer; readonly errors: readonly GraphQLFormattedError[] };

const completeParts = (incremental: Incremental, block: DeferredBlock, pending: readonly Pending[]): { readonly parts: readonly Part[]; readonly more: readonly Pending[] } => {
  const { completion, labels } = incremental;
  const failed = errorsOf(incremental, block.block);
  const more: Pending[] = [];
  const label = labels.get(block.label);
  let refused: readonly GraphQLFormattedError[] | undefined;
  const parts = pending.map(({ shape, data, path }, index): Part => {
    const errors = failed.filter((error) => (index === 0 && !error.path) || isBelow(path, error.path));
    const head = `{${label === undefined ? '' : `"label":${JSON.stringify(label)},`}"path":${JSON.stringify(path)},"data":`;
    const refusedPart = (told: readonly GraphQLFormattedError[]): Part => ({ json: Buffer.from(`${head}null,"errors":${JSON.stringify(told)}}`), errors: told });
    // Finding out takes as long as the largest answer: once for a block is enough.
    if (refused) return refusedPart(refused);
    try {
      const writer = new JsonWriter();
      writer.json(head);
      more.push(...completeShape(shape, data, path, { ...completion, writer, errors }));
      writeErrors(writer, errors);
      writer.ascii('}');
      return { json: writer.finish(), errors };
    } catch (error) {
      // Too large, or with too many errors.
      return refusedPart((refused = incremental.formatted(error)));
    }
  });
  return { parts, more };
};

const isBelow = (path: readonly (string | number)[], other: readonly (string | number)[] | undefined): boolean => other !== undefined && path.every((key, index) => other[index] === key);

const lastWords = ({ trace }: Incremental): string => {
  trace?.fetched();
  const extensions = trace?.extensions();
  return extensions ? `,"extensions":${extensions}` : '';
};

/** `more` is members of its JSON, each behind a comma. */
const asPart = (parts: readonly Part[], hasNext: boolean, more: string): Answer => {
  const text = parts.length === 0 ? '' : `"incremental":[${parts.map(({ json }) => json.toString()).join(',')}],`;
  return new Answer(Buffer.from(`{${text}"hasNext":${hasNext}${more}}`), true, parts.flatMap(({ errors }) => errors));
};

const errorsOf = ({ whole, data, errors }: Incremental, block: number): GraphQLFormattedError[] => locateErrors(whole, data, errors[block] ?? []);

const writeErrors = (writer: JsonWriter, errors: readonly GraphQLFormattedError[]): void => {
  if (errors.length > 0) writer.json(`,"errors":${JSON.stringify(errors)}`);
};

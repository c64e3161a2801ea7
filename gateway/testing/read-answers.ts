/** A source whose answers are read from bytes, as those of a remote one are: what is equal in one of them may be one object. */
import { createAnswerReader } from '../sources/answer-reader.ts';
import type { DataSource, SubgraphOperation, SubgraphResult } from '../sources/data-source.ts';

export const readingAnswers = (source: DataSource): DataSource => {
  const readers = new WeakMap<SubgraphOperation, ReturnType<typeof createAnswerReader>>();
  return {
    ...source,
    async execute(request) {
      const { operation } = request;
      const read = readers.get(operation) ?? createAnswerReader(operation.form, { leastSize: 0, leastRepeated: 0 });
      readers.set(operation, read);
      return read(Buffer.from(JSON.stringify(await source.execute(request)))) as SubgraphResult;
    },
  };
};

/** From an answer's `data` to the body that clients read, by a JSONata expression. */
import jsonata from 'jsonata';
import { ConfigError } from '#core/errors.ts';
import type { Words } from './words.ts';

export type Mapping = (data: unknown) => Promise<unknown>;

/** Throws a ConfigError that names the file for what is no JSONata. */
export const compileMapping = (file: string, text: string, words: Words): Mapping => {
  const expression = compiled(file, text);
  expression.registerFunction('word', (value: unknown) => (typeof value === 'string' ? words.wordOf(value) : value), '<x:x>');
  // Without bindings of its own an evaluation shares its variables, `$` first, with others under way.
  return async (data) => (await expression.evaluate(data, {})) as unknown;
};

const compiled = (file: string, text: string): jsonata.Expression => {
  try {
    return jsonata(text);
  } catch (error) {
    throw new ConfigError(`@rest of ${file}: the answer's mapping is no JSONata: ${(error as Error).message}`, { file });
  }
};

/**
 * A JSONata of one service, in a realm of its own. Its language can change what it stands on: `$clone` can be bound anew,
 * and then `{"f": $sum} ~> |f.**|{…}|` writes to the very function that all expressions call. In a realm of its own that
 * is the service's own loss. There code cannot be made of text, and nothing crosses the border but text: no object of
 * this process is at hand that leads out.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script, createContext } from 'node:vm';

/** Evaluates an expression on a value, which is `$record` too; JSON of what it came to, undefined for nothing. */
export type Realm = (expression: string, input: unknown, bindings: unknown) => Promise<string | undefined>;

const library = new Script(readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8'), { filename: 'jsonata' });

/** Deeper calls are an error of the expression, with its place, rather than the end of this process. */
const deepest = 2_000;
/** Expressions of one service. */
const mostKept = 200;

// Base64 is all that JSONata has of its surroundings.
const prelude = new Script('({ encode, decode }) => { globalThis.window = { btoa: (text) => encode(text), atob: (text) => decode(text) }; }');
const base64 = { encode: (text: string): string => Buffer.from(text, 'binary').toString('base64'), decode: (text: string): string => Buffer.from(text, 'base64').toString('binary') };

const evaluator = new Script(`(() => {
  const { jsonata } = window;
  delete window.jsonata;
  const { parse, stringify } = JSON;
  const known = new Map();
  const expressionOf = (text) => {
    const made = known.get(text) ?? jsonata(text, { stack: ${deepest} });
    if (known.size >= ${mostKept}) known.clear();
    known.set(text, made);
    return made;
  };
  return async (text, input, bindings) => {
    const record = parse(input);
    const value = await expressionOf(text).evaluate(record, { ...parse(bindings), record });
    return value === undefined ? undefined : stringify(value);
  };
})()`);

export const createRealm = (): Realm => {
  const context = createContext(Object.create(null) as object, { codeGeneration: { strings: false, wasm: false } });
  (prelude.runInContext(context) as (given: typeof base64) => void)(base64);
  library.runInContext(context);
  const evaluate = evaluator.runInContext(context) as (text: string, input: string, bindings: string) => Promise<string | undefined>;
  return (expression, input, bindings) => evaluate(expression, JSON.stringify(input ?? null), JSON.stringify(bindings));
};

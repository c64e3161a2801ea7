/**
 * A JSONata of one service, in a realm of its own. Its language can change what it stands on: `$clone` can be bound anew,
 * and then `{"f": $sum} ~> |f.**|{…}|` writes to the very function that all expressions call. In a realm of its own that
 * is the service's own loss. There code cannot be made of text, and nothing crosses the border but text: no object of
 * this process is at hand that leads out.
 *
 * The realm has its own queue of promises, which is worked off within the time limit: an expression that comes to no end
 * is interrupted whichever way it goes on.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script, createContext } from 'node:vm';

/** JSON of what an expression came to, absent for nothing; or why it failed. */
export type Evaluated = { readonly json?: string; readonly failure?: Failure };

/** `values` are those that it failed on, as JSON. */
export type Failure = { readonly message?: string; readonly code?: string; readonly position?: number; readonly values: readonly string[] };

/** Evaluates an expression on each of these texts of JSON, which is `$record` too. Throws ERR_SCRIPT_EXECUTION_TIMEOUT. */
export type Realm = (expression: string, inputs: readonly string[], bindings: unknown) => readonly Evaluated[];

const library = new Script(readFileSync(createRequire(import.meta.url).resolve('jsonata'), 'utf8'), { filename: 'jsonata' });

/** Deeper calls are an error of the expression, with its place, rather than the end of this process. */
const deepest = 2_000;
/** Expressions of one service. */
const mostKept = 200;
/** Characters: what is made of them is no memory of the realm, which its limit would bound. */
const longestBase64 = 4_000_000;

// Base64 is all that JSONata has of its surroundings.
const prelude = new Script(`({ encode, decode }) => {
  const bounded = (text) => { if (text.length > ${longestBase64}) throw new RangeError('too long for Base64'); return text; };
  globalThis.window = { btoa: (text) => encode(bounded(text)), atob: (text) => decode(bounded(text)) };
}`);
const base64 = { encode: (text: string): string => Buffer.from(text, 'binary').toString('base64'), decode: (text: string): string => Buffer.from(text, 'base64').toString('binary') };

type Held = { task: { readonly expression: string; readonly inputs: string; readonly bindings: string } | undefined; /** JSON of what came of each. */ results: string[] };

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
  const failureOf = ({ message, code, position, value, value2, exp }) => ({ message, code, position, values: [value2, value, exp].filter((each) => each !== undefined).map((each) => stringify(each)) });
  const recordIn = (input) => {
    try { return parse(input); } catch { throw { message: 'this is no JSON' }; }
  };
  const evaluate = async (text, input, bindings) => {
    try {
      const record = recordIn(input);
      return stringify({ json: stringify(await expressionOf(text).evaluate(record, { ...bindings, record })) });
    } catch (error) {
      return stringify({ failure: failureOf(error) });
    }
  };
  const held = { task: undefined, results: [] };
  const work = async ({ expression, inputs, bindings }) => {
    for (const input of parse(inputs)) held.results.push(await evaluate(expression, input, parse(bindings)));
  };
  globalThis.run = () => { held.results = []; work(held.task); };
  return held;
})()`);
const run = new Script('run()');

export const createRealm = (limitMs: number): Realm => {
  const context = createContext(Object.create(null) as object, { codeGeneration: { strings: false, wasm: false }, microtaskMode: 'afterEvaluate' });
  (prelude.runInContext(context) as (given: typeof base64) => void)(base64);
  library.runInContext(context);
  const held = evaluator.runInContext(context) as Held;
  return (expression, inputs, bindings) => {
    held.task = { expression, inputs: JSON.stringify(inputs), bindings: JSON.stringify(bindings) };
    run.runInContext(context, { timeout: limitMs });
    return inputs.map((_input, index) => JSON.parse(String(held.results[index])) as Evaluated);
  };
};

/**
 * A process that evaluates what others wrote: JSONata expressions and JSON Schemas. It has no environment, may write no
 * file and start no program, and is killed when it takes too long or too much (connector-sandbox.ts).
 *
 * A thread of its own watches it, since nothing else can while an expression runs: it ends the process when the hub is
 * gone or when it holds more memory than it may, whatever holds it.
 */
import { Worker } from 'node:worker_threads';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import jsonata from 'jsonata';
import { LRUCache } from 'lru-cache';
import type { FromProcess, MapTask, Outcome, ReadTask, ToProcess } from './connector-sandbox.ts';

const mostBytes = 320 * 1024 * 1024;
/** Characters of JSON that the mapping of one record may come to. */
const largestOutcome = 256 * 1024;
/** Deeper calls are an error of the expression, with its place, rather than the end of this process. */
const bounds = { stack: 2_000 };

new Worker(
  `setInterval(() => { if (process.ppid !== ${Number(process.argv[2])} || process.memoryUsage.rss() > ${mostBytes}) process.kill(process.pid, 'SIGKILL'); }, 50);`,
  { eval: true },
);

const expressions = new LRUCache<string, jsonata.Expression>({ max: 500 });
const expressionOf = (text: string): jsonata.Expression => {
  const known = expressions.get(text);
  if (known) return known;
  const made = jsonata(text, bounds);
  expressions.set(text, made);
  return made;
};

const schemas = new LRUCache<string, ValidateFunction>({ max: 100 });
const schemaOf = (schema: Readonly<Record<string, unknown>>): ValidateFunction => {
  const text = JSON.stringify(schema);
  const known = schemas.get(text);
  if (known) return known;
  const ajv = new Ajv({ strict: false, allErrors: false });
  addFormats.default(ajv);
  const made = ajv.compile(schema);
  schemas.set(text, made);
  return made;
};

// What all share cannot be changed by any expression: it would be there for the next one, of another service.
for (const shared of [Object, Array, Function, String, Number, Boolean, Date, RegExp, Promise, Map, Set, Error, Math, JSON, Reflect]) {
  Object.freeze(shared);
  if ('prototype' in shared) Object.freeze(shared.prototype);
}

const read = async ({ answer, expressions: wanted, bindings }: ReadTask): Promise<unknown> => {
  const values: Record<string, unknown> = {};
  for (const [name, expression] of Object.entries(wanted)) {
    try {
      const value: unknown = await expressionOf(expression).evaluate(answer, { ...bindings });
      values[name] = { value: plain(value) };
    } catch (error) {
      values[name] = { reason: reasonOf(error) };
    }
  }
  return values;
};

/** What JSON can say of it, as an answer of an expression has functions and marks of its own on it. */
const plain = (value: unknown): unknown => (value === undefined ? null : (JSON.parse(JSON.stringify(value) ?? 'null') as unknown));

const reasonOf = (error: unknown): string => {
  const { message = 'failed', code, position } = error as { message?: string; code?: string; position?: number };
  return `${message}${code === undefined ? '' : ` (${code}${position === undefined ? '' : `, at character ${position}`})`}`.slice(0, 300);
};

const outcomeOf = async (record: unknown, { mapping, schema, bindings }: MapTask): Promise<Outcome> => {
  const validate = schema && schemaOf(schema);
  if (validate && !validate(record)) {
    const [error] = validate.errors ?? [];
    return { reason: `DATA_SCHEMA: ${error?.instancePath || '/'} ${error?.message}` };
  }
  const facts: unknown = await expressionOf(mapping).evaluate(record, { ...bindings, record });
  const json = JSON.stringify(facts ?? []);
  return json.length > largestOutcome ? { reason: `MAPPING: its facts have ${json.length} characters as JSON; at most ${largestOutcome} are taken` } : { facts: json };
};

const map = async (id: number, task: MapTask): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const record of task.records) {
    const outcome = await outcomeOf(record, task).catch((error: unknown): Outcome => ({ reason: `MAPPING: ${reasonOf(error)}` }));
    outcomes.push(outcome);
    if (task.oneByOne) tell({ id, outcome });
  }
  return outcomes;
};

const tell = (message: FromProcess): void => void process.send?.(message);

process.on('message', ({ id, task }: ToProcess) => {
  const done: Promise<unknown> = task.kind === 'read' ? read(task) : map(id, task);
  done.then((result) => tell({ id, result }), (error: unknown) => tell({ id, failed: reasonOf(error) }));
});
process.on('disconnect', () => process.exit());
tell({ ready: true });

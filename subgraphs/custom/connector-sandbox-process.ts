/**
 * A process that evaluates what others wrote: JSONata expressions and JSON Schemas. It has no environment, may read its
 * own source alone, write no file, and start neither a program nor a thread; it is killed when it takes too long or too
 * much (connector-sandbox.ts). When the hub is gone and nobody is left to kill it, it ends by its own limit.
 *
 * Each service has a JSONata of its own (connector-realm.ts): what an expression changes of it is there for no other.
 */
import { Script, createContext } from 'node:vm';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import { type Evaluated, type Failure, type Realm, createRealm } from './connector-realm.ts';
import type { FromProcess, MapTask, Outcome, ReadTask, ToProcess, Value } from './connector-sandbox.ts';

/** Milliseconds that one expression, or the schema of one task, may take. */
const limitMs = Number(process.argv[2]);
/** Characters of JSON that the mapping of one record may come to. */
const largestOutcome = 256 * 1024;

const realms = new LRUCache<string, Realm>({ max: 30 });
const realmOf = (serviceId: string): Realm => {
  const known = realms.get(serviceId);
  if (known) return known;
  const made = createRealm(limitMs);
  realms.set(serviceId, made);
  return made;
};

/** Runs to the end or is interrupted, also where a pattern backtracks for ever. */
const withinTime = <Result>(work: () => Result): Result => timed.runInContext(createContext({ work }), { timeout: limitMs }) as Result;
const timed = new Script('work()');

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

const read = (realm: Realm, { answer, expressions, bindings }: ReadTask): Readonly<Record<string, Value>> =>
  Object.fromEntries(
    Object.entries(expressions).map(([name, expression]): [string, Value] => {
      const [evaluated] = realm(expression, [answer], bindings);
      return [name, evaluated?.failure ? { reason: reasonOf(evaluated.failure) } : { value: JSON.parse(evaluated?.json ?? 'null') as unknown }];
    }),
  );

/** Without the value that an expression fails on: it may name a person, and reasons are kept and logged in clear. */
const reasonOf = ({ message, code, position, values }: Failure): string => {
  const said = values.reduce(withoutValue, String(message ?? 'failed'));
  return `${said}${code === undefined ? '' : ` (${code}${position === undefined ? '' : `, at character ${position}`})`}`.slice(0, 300);
};

/** JSONata writes values as JSON, behind its own words. */
const withoutValue = (message: string, json: string): string => {
  const at = message.lastIndexOf(json);
  return at < 0 ? message : `${message.slice(0, at)}…${message.slice(at + json.length)}`;
};

const outcomeOf = ({ failure, json: facts = '[]' }: Evaluated): Outcome => {
  if (failure) return { reason: `MAPPING: ${reasonOf(failure)}` };
  return facts.length > largestOutcome ? { reason: `MAPPING: its facts have ${facts.length} characters as JSON; at most ${largestOutcome} are taken` } : { facts };
};

const mismatchOf = (validate: ValidateFunction, record: unknown): string | null => {
  try {
    if (validate(record)) return null;
  } catch {
    return 'DATA_SCHEMA: / is nested too deep for it';
  }
  const [error] = validate.errors ?? [];
  return `DATA_SCHEMA: ${error?.instancePath || '/'} ${error?.message}`;
};

/** Why each record is not as the schema has it; null for those that are. */
const mismatches = (records: readonly unknown[], schema: MapTask['schema']): readonly (string | null)[] =>
  withinTime(() => {
    const validate = schema && schemaOf(schema);
    return records.map((record) => (validate ? mismatchOf(validate, record) : null));
  });

const map = (realm: Realm, { records, mapping, schema, bindings }: MapTask): Outcome[] => {
  const wrong = mismatches(records, schema);
  const evaluated = realm(mapping, records.filter((_record, index) => wrong[index] === null).map((record) => JSON.stringify(record)), bindings).values();
  return wrong.map((reason) => (reason === null ? outcomeOf(evaluated.next().value ?? {}) : { reason }));
};

const perform = async (id: number, realm: Realm, task: ReadTask | MapTask): Promise<unknown> => {
  if (task.kind === 'read') return read(realm, task);
  if (!task.oneByOne) return map(realm, task);
  for (const record of task.records) for (const outcome of map(realm, { ...task, records: [record] })) await tell({ id, outcome });
  return [];
};

/** Resolves when it is on its way: where a busy hub left no room for it, it waits, and goes only while nothing else runs. */
const tell = (message: FromProcess): Promise<void> => new Promise((resolve) => process.send?.(message, () => resolve()));

const handle = async ({ id, serviceId, task }: ToProcess): Promise<void> => {
  try {
    await tell({ id, result: await perform(id, realmOf(serviceId), task) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') process.exit(1);
    await tell({ id, failed: String((error as Error).message).slice(0, 300) });
  }
};

process.on('message', (message: ToProcess) => void handle(message));
process.on('disconnect', () => process.exit());
void tell({ ready: true });

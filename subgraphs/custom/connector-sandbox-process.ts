/**
 * A process that evaluates what others wrote: JSONata expressions and JSON Schemas. It has no environment, may write no
 * file and start no program, and is killed when it takes too long or too much (connector-sandbox.ts).
 *
 * Each service has a JSONata of its own (connector-realm.ts): what an expression changes of it is there for no other.
 *
 * A thread of its own watches it, since nothing else can while an expression runs: it ends the process when the hub is
 * gone or when it holds more memory than it may, whatever holds it.
 */
import { Worker } from 'node:worker_threads';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import { type Realm, createRealm } from './connector-realm.ts';
import type { FromProcess, MapTask, Outcome, ReadTask, ToProcess } from './connector-sandbox.ts';

const mostBytes = 320 * 1024 * 1024;
/** Characters of JSON that the mapping of one record may come to. */
const largestOutcome = 256 * 1024;
new Worker(
  `setInterval(() => { if (process.ppid !== ${Number(process.argv[2])} || process.memoryUsage.rss() > ${mostBytes}) process.kill(process.pid, 'SIGKILL'); }, 50);`,
  { eval: true },
);

const realms = new LRUCache<string, Realm>({ max: 30 });
const realmOf = (serviceId: string): Realm => {
  const known = realms.get(serviceId);
  if (known) return known;
  const made = createRealm();
  realms.set(serviceId, made);
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

const read = async (realm: Realm, { answer, expressions: wanted, bindings }: ReadTask): Promise<unknown> => {
  const values: Record<string, unknown> = {};
  for (const [name, expression] of Object.entries(wanted)) {
    try {
      values[name] = { value: JSON.parse((await realm(expression, answer, bindings)) ?? 'null') as unknown };
    } catch (error) {
      values[name] = { reason: reasonOf(error) };
    }
  }
  return values;
};

/** Without the value that an expression fails on: it may name a person, and reasons are kept and logged in clear. */
const reasonOf = (error: unknown): string => {
  const { message = 'failed', code, position, value, value2, exp } = error as { message?: string; code?: string; position?: number; value?: unknown; value2?: unknown; exp?: unknown };
  const said = [value2, value, exp].reduce<string>(withoutValue, message);
  return `${said}${code === undefined ? '' : ` (${code}${position === undefined ? '' : `, at character ${position}`})`}`.slice(0, 300);
};

/** JSONata writes values as JSON, behind its own words. */
const withoutValue = (message: string, value: unknown): string => {
  const json = value === undefined ? undefined : JSON.stringify(value);
  const at = json === undefined ? -1 : message.lastIndexOf(json);
  return json === undefined || at < 0 ? message : `${message.slice(0, at)}…${message.slice(at + json.length)}`;
};

const outcomeOf = async (realm: Realm, record: unknown, { mapping, schema, bindings }: MapTask): Promise<Outcome> => {
  const validate = schema && schemaOf(schema);
  if (validate && !validate(record)) {
    const [error] = validate.errors ?? [];
    return { reason: `DATA_SCHEMA: ${error?.instancePath || '/'} ${error?.message}` };
  }
  const json = (await realm(mapping, record, bindings)) ?? '[]';
  return json.length > largestOutcome ? { reason: `MAPPING: its facts have ${json.length} characters as JSON; at most ${largestOutcome} are taken` } : { facts: json };
};

const map = async (realm: Realm, id: number, task: MapTask): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const record of task.records) {
    const outcome = await outcomeOf(realm, record, task).catch((error: unknown): Outcome => ({ reason: `MAPPING: ${reasonOf(error)}` }));
    outcomes.push(outcome);
    if (task.oneByOne) tell({ id, outcome });
  }
  return outcomes;
};

const tell = (message: FromProcess): void => void process.send?.(message);

process.on('message', ({ id, serviceId, task }: ToProcess) => {
  const realm = realmOf(serviceId);
  const done: Promise<unknown> = task.kind === 'read' ? read(realm, task) : map(realm, id, task);
  done.then((result) => tell({ id, result }), (error: unknown) => tell({ id, failed: reasonOf(error) }));
});
process.on('disconnect', () => process.exit());
tell({ ready: true });

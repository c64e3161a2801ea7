/**
 * A registration's `dataSchema` (JSON Schema) against a sample of the upstream's data. The schema is the caller's: it
 * may be wrong, huge, or have a pattern that never ends on some text, and none of that may hold the hub up.
 */
import { runInNewContext } from 'node:vm';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { EventgraphError } from './errors.ts';

const largestSchema = 64 * 1024;
const timeLimitMs = 1_000;

/** Throws DATA_SCHEMA_INVALID for what is not a JSON Schema that can be used. */
export const compileDataSchema = (dataSchema: Readonly<Record<string, unknown>>): ValidateFunction => {
  if (JSON.stringify(dataSchema).length > largestSchema) throw new EventgraphError('DATA_SCHEMA_INVALID', `A dataSchema has at most ${largestSchema} characters.`, { maximum: largestSchema });
  try {
    const ajv = new Ajv({ strict: false, allErrors: false });
    addFormats.default(ajv);
    const validate = withinTime(() => ajv.compile(dataSchema));
    // Such a schema answers a promise, which is neither yes nor no.
    if ('$async' in validate) throw new Error('$async is not supported');
    return validate;
  } catch (error) {
    throw new EventgraphError('DATA_SCHEMA_INVALID', `The dataSchema is not a JSON Schema: ${(error as Error).message}`);
  }
};

/** Null when the sample meets the schema, else where and why not. Throws DATA_SCHEMA_TOO_SLOW. */
export const mismatchOf = (validate: ValidateFunction, sample: unknown): string | null => {
  if (withinTime(() => validate(sample))) return null;
  const error = validate.errors?.[0];
  return `${error?.instancePath || '/'} ${error?.message}`;
};

/** Runs to the end or is stopped: V8 can interrupt even a regular expression that backtracks for ever. */
const withinTime = <Result>(work: () => Result): Result => {
  try {
    return runInNewContext('work()', { work }, { timeout: timeLimitMs }) as Result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new EventgraphError('DATA_SCHEMA_TOO_SLOW', `The dataSchema takes longer than ${timeLimitMs} ms; simplify its patterns.`, { timeLimitMs });
    throw error;
  }
};

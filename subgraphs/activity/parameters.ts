/** Particulars of an activity: any JSON object within bounds, kept as it came. */
import type { Mistake } from './domain.ts';

export type Parameters = Readonly<Record<string, unknown>>;

export const parameterBounds = { bytes: 8_192, values: 100, depth: 5, nameLength: 200 } as const;

/** The JSON of the parameters, or what is wrong with them; `field` is theirs. */
export type ParametersReading = { readonly parameters: Parameters; readonly json: string } | { readonly mistake: Mistake };

export const readParameters = (given: unknown, field: string): ParametersReading => {
  const parameters = given ?? {};
  if (!isObject(parameters)) return refuse('PARAMETERS_INVALID', field, 'Parameters are a JSON object.');
  // Before it is written as text: that would follow any depth.
  const mistake = beyond(parameters, field);
  if (mistake) return { mistake };
  const json = JSON.stringify(parameters);
  const bytes = Buffer.byteLength(json);
  if (bytes > parameterBounds.bytes) return refuse('PARAMETERS_TOO_LARGE', field, `The parameters are ${bytes} bytes of JSON; the maximum is ${parameterBounds.bytes}.`);
  return { parameters, json };
};

const refuse = (code: string, field: string, message: string): { readonly mistake: Mistake } => ({ mistake: { code, field, message } });
const isObject = (value: unknown): value is Parameters => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first thing that is deeper, or more, than parameters may be. */
const beyond = (parameters: Parameters, field: string): Mistake | null => {
  let values = 0;
  const look = (value: unknown, path: string, depth: number): Mistake | null => {
    if (typeof value !== 'object' || value === null) return null;
    if (depth > parameterBounds.depth) return { code: 'PARAMETERS_TOO_DEEP', field: path, message: `Parameters have at most ${parameterBounds.depth} levels.` };
    for (const [name, each] of Object.entries(value)) {
      if (name.length > parameterBounds.nameLength) return { code: 'PARAMETER_NAME_TOO_LONG', field: path, message: `The name of a parameter has at most ${parameterBounds.nameLength} characters.` };
      values += 1;
      if (values > parameterBounds.values) return { code: 'PARAMETERS_TOO_MANY', field, message: `Parameters have at most ${parameterBounds.values} values, those within others included.` };
      const mistake = look(each, `${path}.${name}`, depth + 1);
      if (mistake) return mistake;
    }
    return null;
  };
  return look(parameters, field, 1);
};

/** What is wrong with data from outside, told by the schema that it does not keep to. */
import type { z } from 'zod';

/** The first three mistakes: where, and what should be there. Never the value. */
export const explain = ({ issues }: z.ZodError): string =>
  issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
    .join('; ');

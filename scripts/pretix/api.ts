/** The few calls that tests and traffic make to a pretix (or its simulator), straight over HTTP. */
import { z } from 'zod';
import { UpstreamError } from '#core/errors.ts';

export type PretixAddress = { readonly url: string; readonly token: string; readonly organizer: string };

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: unknown };

const page = z.object({ next: z.string().nullable(), results: z.array(z.unknown()) });

/** Calls below `/api/v1/organizers/<organizer>/`. */
export const createApi = ({ url, token, organizer }: PretixAddress) => {
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}/api/v1/organizers/${organizer}/${path}`, {
      method,
      // A connection for each call: pretix's server ends idle ones after two seconds, and a call could meet the end of one.
      headers: { authorization: `Token ${token}`, connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && response.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as unknown) : text };
  };
  const expecting = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new UpstreamError('status', `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`, { status: answer.status });
    return answer.body;
  };
  return {
    /** Whatever is answered. */
    call,
    get: async <T>(path: string, schema: z.ZodType<T>): Promise<T> => schema.parse(await expecting('GET', path)),
    post: async <T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T> => schema.parse(await expecting('POST', path, body)),
    /** All rows of a list. */
    async all<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
      const rows: T[] = [];
      for (let number = 1; ; number++) {
        const { results, next } = page.parse(await expecting('GET', `${path}${path.includes('?') ? '&' : '?'}page_size=50&page=${number}`));
        rows.push(...results.map((row) => schema.parse(row)));
        if (next === null) return rows;
      }
    },
  };
};

export type PretixApi = ReturnType<typeof createApi>;

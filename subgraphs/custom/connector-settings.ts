/**
 * What a registered service of any kind is set to: which lists it has, how they are paged, and how their records become
 * facts. README.md has a whole example. Every expression is JSONata; each is compiled here, so that a mistake in one is
 * told with its field before anybody is called.
 */
import jsonata from 'jsonata';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { ConnectorContext } from '#core/connector.ts';
import { compileDataSchema } from '#core/data-schema.ts';
import { eventId, timezone } from '#core/facts.ts';

const largestExpression = 20_000;
/** Characters of JSON of all schemas of a registration together: each is compiled here, when the settings are read first. */
const largestSchemas = 64 * 1024;
/** Of everything that is declared. */
const largestSettings = 256 * 1024;
const text = z.string().min(1).max(1000);

/** Settings are read for every pull and push: what was found of an expression or a schema is remembered. */
const verdicts = new LRUCache<string, { readonly wrong: string | null }>({ max: 2_000, maxSize: 16_000_000, sizeCalculation: (_verdict, key) => key.length });
const verdictOn = (key: string, check: () => void): string | null => {
  const known = verdicts.get(key);
  if (known) return known.wrong;
  const wrong = wrongIn(check);
  verdicts.set(key, { wrong });
  return wrong;
};
const wrongIn = (check: () => void): string | null => {
  try {
    check();
    return null;
  } catch (error) {
    const { message = 'it cannot be read', position } = error as { message?: string; position?: number };
    return `${message}${position === undefined ? '' : ` (at character ${position})`}`.slice(0, 300);
  }
};

const expression = z
  .string()
  .min(1)
  .max(largestExpression)
  .superRefine((source, context) => {
    const wrong = verdictOn(`expression ${source}`, () => void jsonata(source));
    if (wrong) context.addIssue({ code: 'custom', message: `this is no JSONata expression: ${wrong}` });
  });

/** JSON Schema of one record. */
const jsonSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  const wrong = verdictOn(`schema ${JSON.stringify(schema)}`, () => void compileDataSchema(schema));
  if (wrong) context.addIssue({ code: 'custom', message: wrong });
});

/** Below the registered address; `{eventId}` and `{upstreamId}` are those of each event that was found. */
const path = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[\w\-.~%/:@!$&'()*+,;={}]*$/, 'a path without a query; query parameters go into `query`')
  .refine((value) => !value.split('/').includes('..') && !/\/\/|^\w+:/.test(value), 'a path below the registered address')
  .refine((value) => !/[{}]/.test(value.replaceAll(/\{(eventId|upstreamId)\}/g, '')), '`{eventId}` and `{upstreamId}` are all that can stand in braces');

const parameter = z.string().min(1).max(100);
const scalar = z.union([z.string().max(2000), z.number(), z.boolean()]);
const headers = z
  .record(z.string().regex(/^[\w-]{1,100}$/), z.string().regex(/^[\x20-\x7e]{0,1000}$/))
  .refine((value) => !Object.keys(value).some((name) => /^(authorization|cookie|host|connection|content-length|transfer-encoding|te|upgrade|expect|keep-alive|trailer)$/i.test(name)), 'credentials go into `authentication`, and what the connection needs is set by the hub');

const paging = z.discriminatedUnion('style', [
  z.strictObject({ style: z.literal('none') }),
  /** Pages by number, to the first empty one. `more` says whether another follows, which saves asking for that one. */
  z.strictObject({ style: z.literal('page'), parameter, first: z.number().int().min(0).max(1).default(1), sizeParameter: parameter.optional(), size: z.number().int().min(1).max(10_000).optional(), more: expression.optional() }),
  /** Pages by the number of records before them, likewise. */
  z.strictObject({ style: z.literal('offset'), parameter, limitParameter: parameter.optional(), limit: z.number().int().min(1).max(10_000).optional(), more: expression.optional() }),
  /** `next` is what `parameter` has to be for the next page; nothing, null, false or '' on the last. */
  z.strictObject({ style: z.literal('cursor'), parameter, next: expression }),
  /** The address of the next page is in the `Link` header with `rel="next"` (RFC 8288), or where `next` says. */
  z.strictObject({ style: z.literal('link'), next: expression.optional() }),
]);
export type Paging = z.infer<typeof paging>;

const resource = z.strictObject({
  /** Names the list in errors and in what is rejected. */
  name: z.string().regex(/^[A-Za-z][\w-]{0,39}$/, 'up to 40 letters, digits, dashes and underscores'),
  path,
  query: z.record(parameter, scalar).default({}),
  /** With POST, `body` is sent as JSON, and the parameters of paging and `since` in it. */
  method: z.enum(['GET', 'POST']).default('GET'),
  body: z.record(z.string(), z.unknown()).optional(),
  paging: paging.default({ style: 'none' }),
  /** The records of an answer. */
  items: expression.default('$'),
  /** For reading only what changed: `from` says of each answer what `parameter` has to be next time; the greatest is kept. */
  since: z.strictObject({ parameter, from: expression }).optional(),
  /** Of one record; `dataSchema` of the registration unless given. */
  schema: jsonSchema.optional(),
  /** From one record to the facts that it tells (connector-facts.ts). */
  mapping: expression,
});
export type Resource = z.infer<typeof resource>;

const verification = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('hmac'),
    header: z.string().regex(/^[\w-]{1,100}$/),
    algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256'),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    prefix: z.string().max(100).default(''),
    /** Seconds or milliseconds since 1970, or ISO 8601. */
    timestampHeader: z.string().regex(/^[\w-]{1,100}$/).optional(),
    /** What is signed, of `{timestamp}` and `{body}`. Both with a dot between, or the body alone, unless given. */
    signedPayload: z.string().max(200).regex(/\{body\}/, 'with `{body}`').optional(),
    /** Seconds that the timestamp may be away from the hub's clock. */
    tolerance: z.number().int().min(1).max(3600).default(300),
  }),
  z.strictObject({ by: z.literal('standardWebhooks') }),
  /** Whoever knows the URL with its token. */
  z.strictObject({ by: z.literal('token') }),
  /** Nobody: a push is a hint to ask, and nothing else. */
  z.strictObject({ by: z.literal('none') }),
]);
export type Verification = z.infer<typeof verification>;

/** A call that tells the service where to push, or no longer; `body` sees `$webhook` with `url` and `secret`. */
const call = z.strictObject({ path, method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'), body: expression.optional() });
export type DeclaredCall = z.infer<typeof call>;

const webhook = z.strictObject({ verify: verification, items: expression.default('$'), schema: jsonSchema.optional(), /** Without it a push is a hint to ask. */ mapping: expression.optional(), subscribe: call.optional(), unsubscribe: call.optional() });

const charactersOf = (value: unknown): number => {
  try {
    return JSON.stringify(value ?? null).length;
  } catch {
    return Infinity;
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Before any of it is compiled: what is too large costs nothing. */
const bounded = z.unknown().superRefine((given, context) => {
  const { resources, webhook: hook } = isRecord(given) ? given : {};
  const schemas = [...(Array.isArray(resources) ? (resources as unknown[]) : []), hook].map((each) => (isRecord(each) ? charactersOf(each.schema) : 0)).reduce((sum, each) => sum + each, 0);
  if (charactersOf(given) > largestSettings) context.addIssue({ code: 'custom', message: `settings have at most ${largestSettings} characters of JSON` });
  else if (schemas > largestSchemas) context.addIssue({ code: 'custom', path: ['resources'], message: `the schemas of all resources and the webhook have at most ${largestSchemas} characters of JSON together` });
});

const declared = z
  .strictObject({
    resources: z.array(resource).min(1).max(20),
    webhook: webhook.optional(),
    /** What a healthy answer of the health check is; any answer with JSON unless given. */
    healthy: expression.optional(),
    headers: headers.default({}),
    /** Calls that the service allows in so many seconds. */
    budget: z.strictObject({ calls: z.number().int().min(1).max(1_000_000), seconds: z.number().int().min(1).max(86_400) }).optional(),
    /** For facts that say nothing of it. */
    timezone: timezone.default('UTC'),
    /** The rest is of the registration: for facts that say nothing of it. */
    eventId: eventId.optional(),
    eventName: text.optional(),
    organizer: text.optional(),
    region: text.optional(),
    contact: text.optional(),
    start: z.iso.datetime({ offset: true }).optional(),
    end: z.iso.datetime({ offset: true }).optional(),
  })
  .superRefine(({ resources }, context) => {
    const names = resources.map(({ name }) => name);
    for (const [index, name] of names.entries()) if (names.indexOf(name) < index) context.addIssue({ code: 'custom', path: ['resources', index, 'name'], message: 'another resource has this name' });
    for (const [index, each] of resources.entries()) if (each.body && each.method === 'GET') context.addIssue({ code: 'custom', path: ['resources', index, 'body'], message: 'a body is sent with the method POST alone' });
  });
export type CustomSettings = z.infer<typeof declared>;

export const settings: z.ZodType<CustomSettings> = bounded.pipe(declared);

export type CustomContext = ConnectorContext<CustomSettings>;

/** Whether it is read once for each event that was found before. */
export const isPerEvent = ({ path: own, query }: Resource): boolean => [own, ...Object.values(query)].some((value) => /\{(eventId|upstreamId)\}/.test(String(value)));

/** What expressions see as `$settings`. */
export const settingsBinding = ({ eventId: id, eventName, organizer, region, start, end, timezone: zone }: CustomSettings): Readonly<Record<string, unknown>> => ({ eventId: id, eventName, organizer, region, start, end, timezone: zone });

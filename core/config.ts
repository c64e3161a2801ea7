/**
 * Configuration of a process, read once from the environment and checked before anything starts.
 */
import { z } from 'zod';
import { type LimitsConfig, limitVariables, limitsOf } from './config-limits.ts';
import { ConfigError } from './errors.ts';

const port = z.coerce.number().int().min(0).max(65535);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const url = (schemes: readonly string[]) =>
  z.string().refine((value) => {
    try {
      return schemes.includes(new URL(value).protocol);
    } catch {
      return false;
    }
  }, `a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`);

/** Origins whose pages may use the hub; `*` for every page. */
export type AllowedOrigins = '*' | readonly string[];

const origins = z
  .string()
  .transform((text): AllowedOrigins => (text === '*' ? text : text.split(',').map((each) => each.trim())))
  .refine((allowed) => allowed === '*' || allowed.every(isOrigin), 'origins as browsers send them, such as https://app.example.org,http://localhost:5173, or *');

/** Of schemes that are not the web's (`capacitor://localhost`) URL tells no origin. */
const isOrigin = (text: string): boolean => {
  const { origin, protocol, host } = URL.parse(text) ?? {};
  return host !== '' && !text.includes('*') && text === (origin === 'null' ? `${protocol}//${host}` : origin);
};

/** Every variable of the environment that the hub reads, and what it may be; `SUBGRAPH_<NAME>_URL` excepted. */
export const variables = z.object({
  /** Of the gateway; a subgraph that runs alone takes its port from its routing URL in supergraph.yaml. 0: any. */
  PORT: port.default(4000),
  HOST: z.string().min(1).default('127.0.0.1'),
  EVENTGRAPH_DATA_DIR: z.string().min(1).default('.eventgraph'),
  /** Without it the hub starts its own PostgreSQL in the data folder. */
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  /** Without it bus and cache stay in this process, which must then be the only one. */
  REDIS_URL: url(['redis:', 'rediss:']).optional(),
  /** Keys for credentials at rest, participants' hashes and calls between processes derive from it. */
  EVENTGRAPH_SECRET: z.string().min(32, 'at least 32 characters (for example from: openssl rand -hex 32)').optional(),
  /** Where clients and upstreams reach the hub; upstreams are told to push there. */
  EVENTGRAPH_PUBLIC_URL: url(['http:', 'https:']).optional(),
  EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: flag.optional(),
  /** Start the simulators and register them. On by default when the hub runs whole with its own database. */
  EVENTGRAPH_DEMO: flag.optional(),
  /** Virtual seconds of the demo per real second, and the seed that makes its run repeatable. */
  EVENTGRAPH_DEMO_SPEED: z.coerce.number().positive().max(10_000).default(20),
  EVENTGRAPH_DEMO_SEED: z.coerce.number().int().default(1),
  EVENTGRAPH_EVENT_LOG_DAYS: z.coerce.number().int().min(1).max(3650).default(35),
  /** How long collected activities are kept, and with them what tells that one came already. */
  EVENTGRAPH_ACTIVITY_DAYS: z.coerce.number().int().min(1).max(3650).default(365),
  /** How a gateway treats subgraphs behind their own servers: see docs/operations.md. */
  EVENTGRAPH_SUBGRAPH_TIMEOUT_MS: z.coerce.number().int().min(100).max(600_000).default(30_000),
  EVENTGRAPH_SUBGRAPH_CONCURRENCY: z.coerce.number().int().min(1).max(10_000).default(128),
  EVENTGRAPH_SUBGRAPH_RETRIES: z.coerce.number().int().min(0).max(10).default(2),
  /** Without it no query is asked a second time because it is late. */
  EVENTGRAPH_SUBGRAPH_HEDGE_MS: z.coerce.number().int().min(1).max(600_000).optional(),
  /** Requests that a gateway works on at once; more are answered 503. */
  EVENTGRAPH_MAX_REQUESTS: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  /** What a gateway keeps of answers: `off`, `on`, or how many megabytes of memory where Redis does not keep it. */
  EVENTGRAPH_CACHE: z
    .string()
    .regex(/^(on|off|[1-9]\d{0,5})$/, 'on, off or a number of megabytes')
    .default('on')
    .transform((value) => (value === 'off' ? null : value === 'on' ? 64 : Number(value))),
  /** Whether everybody may read `/metrics`; otherwise this machine itself and keys of admins. */
  EVENTGRAPH_METRICS_PUBLIC: flag.default(false),
  /** JSON, or the path of a file with it: whose JWTs the gateway takes; see docs/operations.md. */
  EVENTGRAPH_JWT_ISSUERS: z.string().optional(),
  /** What becomes of a request for fields that the viewer may not see. */
  EVENTGRAPH_DENIED: z.enum(['null', 'refuse']).default('null'),
  /** Who may send documents of its own: everybody, whoever has a key, or admins alone. Keys in production, else everybody. */
  EVENTGRAPH_FREE_TEXT: z.enum(['all', 'keys', 'none']).optional(),
  /** Whether everybody may ask for the schema, and is helped with its names in errors. Not in production unless said. */
  EVENTGRAPH_INTROSPECTION: flag.optional(),
  /** Pages of which other origins browsers let use the hub. Cookies are never read, whoever sends them. */
  EVENTGRAPH_CORS_ORIGINS: origins.optional(),
  NODE_ENV: z.string().optional(),
  ...limitVariables,
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export type Config = {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly secret: string | undefined;
  readonly publicUrl: string | undefined;
  readonly allowPrivateUpstreams: boolean | undefined;
  readonly demo: boolean | undefined;
  readonly demoSpeed: number;
  readonly demoSeed: number;
  readonly eventLogDays: number;
  readonly activityDays: number;
  readonly subgraphTimeoutMs: number;
  readonly subgraphConcurrency: number;
  readonly subgraphRetries: number;
  readonly subgraphHedgeMs: number | undefined;
  readonly maxRequests: number;
  /** Megabytes in memory; null keeps nothing. */
  readonly cacheMegabytes: number | null;
  readonly metricsPublic: boolean;
  readonly jwtIssuers: string | undefined;
  readonly denied: 'null' | 'refuse';
  readonly freeText: 'all' | 'keys' | 'none';
  readonly introspection: boolean;
  readonly corsOrigins: AllowedOrigins;
  readonly limits: LimitsConfig;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
};

/** Throws a ConfigError that names the first variable at fault. Empty values count as unset, as in compose files. */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const variable = String(issue?.path[0] ?? '');
    throw new ConfigError(`${variable} is not usable: ${issue?.message ?? 'not valid'}.`, { variable });
  }
  const value = parsed.data;
  const isProduction = value.NODE_ENV === 'production';
  return {
    port: value.PORT,
    host: value.HOST,
    dataDir: value.EVENTGRAPH_DATA_DIR,
    databaseUrl: value.DATABASE_URL,
    redisUrl: value.REDIS_URL,
    secret: value.EVENTGRAPH_SECRET,
    publicUrl: value.EVENTGRAPH_PUBLIC_URL,
    allowPrivateUpstreams: value.EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS,
    demo: value.EVENTGRAPH_DEMO,
    demoSpeed: value.EVENTGRAPH_DEMO_SPEED,
    demoSeed: value.EVENTGRAPH_DEMO_SEED,
    eventLogDays: value.EVENTGRAPH_EVENT_LOG_DAYS,
    activityDays: value.EVENTGRAPH_ACTIVITY_DAYS,
    subgraphTimeoutMs: value.EVENTGRAPH_SUBGRAPH_TIMEOUT_MS,
    subgraphConcurrency: value.EVENTGRAPH_SUBGRAPH_CONCURRENCY,
    subgraphRetries: value.EVENTGRAPH_SUBGRAPH_RETRIES,
    subgraphHedgeMs: value.EVENTGRAPH_SUBGRAPH_HEDGE_MS,
    maxRequests: value.EVENTGRAPH_MAX_REQUESTS,
    cacheMegabytes: value.EVENTGRAPH_CACHE,
    metricsPublic: value.EVENTGRAPH_METRICS_PUBLIC,
    jwtIssuers: value.EVENTGRAPH_JWT_ISSUERS,
    denied: value.EVENTGRAPH_DENIED,
    freeText: value.EVENTGRAPH_FREE_TEXT ?? (isProduction ? 'keys' : 'all'),
    introspection: value.EVENTGRAPH_INTROSPECTION ?? !isProduction,
    corsOrigins: value.EVENTGRAPH_CORS_ORIGINS ?? [],
    limits: limitsOf(value),
    logLevel: value.LOG_LEVEL,
  };
};

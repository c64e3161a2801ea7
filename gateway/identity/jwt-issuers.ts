/**
 * Whose JWTs the gateway takes, and what their claims mean here: EVENTGRAPH_JWT_ISSUERS, as JSON or as the path of a
 * file with it, checked before anything starts.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '#core/errors.ts';
import { permissions, tiers } from '#core/viewer.ts';

const httpUrl = z.url({ protocol: /^https?$/ });
/** The name of a claim, or a path through objects: `realm_access.roles`. */
const claimPath = z.string().min(1).max(200);

const claims = z.strictObject({
  /** Permissions and other scopes: each a list, or one text with blanks between. All of them count. */
  permissions: z.array(claimPath).min(1).default(['scope', 'permissions', 'realm_access.roles']),
  /** Hub-wide ids of the events to be seen, or `*` for all. */
  events: claimPath.default('events'),
  tier: claimPath.default('tier'),
  documents: claimPath.default('documents'),
  /** Name of the client, whose published operations count for it. */
  client: claimPath.default('azp'),
  /** What the token fulfils of `@policy`. */
  policies: claimPath.default('policies'),
});

const issuer = z.strictObject({
  /** Exactly as in the tokens' `iss`. */
  issuer: httpUrl,
  /** What `aud` must contain: one of these. */
  audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  /** Where the keys are; found by OpenID Connect Discovery unless given. */
  jwksUri: httpUrl.optional(),
  claims: claims.prefault({}),
  /** What tokens of this issuer can allow at most. `admin` must be named here: elsewhere roles of that name mean other things. */
  permissions: z.array(z.enum(permissions)).default(permissions.filter((each) => each !== 'admin')),
  /** Events of a token without the claim. */
  eventsUnlessClaimed: z.enum(['none', 'all']).default('none'),
  tier: z.enum(tiers).default('partner'),
  /** Tiers that tokens may claim. `internal` must be named here: usually no budget holds it. */
  tiers: z.array(z.enum(tiers)).default(tiers.filter((each) => each !== 'internal')),
  /** Stands before the names of its clients; the issuer and `#` unless given. Empty for one that may speak for clients with keys. */
  clientPrefix: z.string().max(100).optional(),
  documents: z.enum(['any', 'persisted']).default('persisted'),
  clockToleranceSeconds: z.int().min(0).max(300).default(30),
  /** A token that is good for longer from now is refused: one that leaked would be good for as long. */
  maxLifetimeSeconds: z.int().min(60).max(31 * 86_400).default(86_400),
});

export type JwtIssuer = z.output<typeof issuer>;

const issuers = z.array(issuer).min(1).refine((list) => new Set(list.map((each) => each.issuer)).size === list.length, 'an issuer is named twice');

/** Throws a ConfigError that names the place at fault. */
export const readJwtIssuers = (setting: string): readonly JwtIssuer[] => {
  const parsed = issuers.safeParse(parse(/^\s*[[{]/.test(setting) ? setting : readText(setting)));
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw unusable(`${problem?.path.join('.') || 'it'}: ${problem?.message ?? 'not valid'}`);
};

const unusable = (why: string): ConfigError => new ConfigError(`EVENTGRAPH_JWT_ISSUERS is not usable: ${why}.`, { variable: 'EVENTGRAPH_JWT_ISSUERS' });

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw unusable('it is no JSON');
  }
};

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(`the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
};

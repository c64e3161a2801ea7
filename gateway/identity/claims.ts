/** Claims of a verified token → the viewer. What a claim does not say clearly allows nothing. */
import type { JWTPayload } from 'jose';
import { sha256Hex } from '#core/digest.ts';
import { UnauthenticatedError } from '#core/errors.ts';
import { type Permission, type Tier, type Viewer, permissions } from '#core/viewer.ts';
import type { JwtIssuer } from './jwt-issuers.ts';

/** Throws UnauthenticatedError that names the claim at fault. */
export const viewerOfClaims = (payload: JWTPayload, issuer: JwtIssuer): Viewer => {
  const { claims } = issuer;
  const names = claims.permissions.flatMap((path) => textsIn(claimAt(payload, path)));
  const scopes = new Set(names.filter((name) => !isPermission(name)));
  const policies = new Set(textsIn(claimAt(payload, claims.policies)));
  const client = claimAt(payload, claims.client);
  return {
    kind: 'key',
    keyId: keyIdOf(payload),
    permissions: new Set(issuer.permissions.filter((permission) => names.includes(permission))),
    events: eventsOf(payload, issuer),
    ...(scopes.size > 0 && { scopes }),
    ...(policies.size > 0 && { policies }),
    expiresAt: new Date((payload.exp ?? 0) * 1000),
    terms: {
      client: isName(client) ? nameOf(client, issuer) : null,
      tier: oneOf<Tier>(issuer.tiers, claimAt(payload, claims.tier)) ?? issuer.tier,
      documents: oneOf(['any', 'persisted'] as const, claimAt(payload, claims.documents)) ?? issuer.documents,
    },
  };
};

/** Equal for one account of one issuer, whatever its tokens say. */
const keyIdOf = ({ iss = '', sub }: JWTPayload): string => {
  // OpenID Connect Core, section 2: at most 255 ASCII characters.
  if (typeof sub !== 'string' || !/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(sub)) throw refused('sub', 'it must be a text of 1 to 255 ASCII characters');
  return `jwt:${sha256Hex(iss).slice(0, 12)}:${sub}`;
};

/** Two clients with one name share a budget and published operations: no issuer says that its client is another's. */
const nameOf = (client: string, { clientPrefix, issuer }: JwtIssuer): string | null => {
  const name = `${clientPrefix ?? `${issuer}#`}${client}`;
  return name.length <= 200 ? name : null;
};

const eventsOf = (payload: JWTPayload, { claims, eventsUnlessClaimed }: JwtIssuer): Viewer['events'] => {
  const claim = claimAt(payload, claims.events);
  if (claim === undefined || claim === null) return eventsUnlessClaimed === 'all' ? 'all' : new Set();
  if (claim === '*') return 'all';
  if (typeof claim !== 'string' && !isTexts(claim)) throw refused(claims.events, 'it must be a list of event ids, or "*" for all');
  return new Set(textsIn(claim));
};

/** The claim of exactly this name, or what stands at this path. Only what the token says itself: no inherited property. */
export const claimAt = (payload: Readonly<Record<string, unknown>>, path: string): unknown => {
  if (Object.hasOwn(payload, path)) return payload[path];
  return path.split('.').reduce<unknown>((value, name) => (typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined), payload);
};

/** A list of texts, or one text with blanks between (`scope`, RFC 8693); anything else says nothing. */
const textsIn = (claim: unknown): string[] => {
  return (typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []).filter(isName);
};

/** No name has the character that PostgreSQL takes in no text. */
const isName = (value: unknown): value is string => typeof value === 'string' && value !== '' && !value.includes('\u0000');

const isTexts = (claim: unknown): boolean => Array.isArray(claim) && claim.every((each) => typeof each === 'string');
const isPermission = (name: string): name is Permission => (permissions as readonly string[]).includes(name);
const oneOf = <T extends string>(known: readonly T[], value: unknown): T | undefined => known.find((each) => each === value);
const refused = (claim: string, why: string): UnauthenticatedError => new UnauthenticatedError(`The token's claim \`${claim}\` is not usable: ${why}.`, { reason: 'claim', claim });

/** Logs a person in as a browser does: the authorization code flow with PKCE (RFC 7636), through Keycloak's login page. */
import { randomBytes } from 'node:crypto';
import { sha256 } from '#core/digest.ts';
import { UpstreamError } from '#core/errors.ts';
import { requestToken } from './request-token.ts';

export type Login = { readonly issuer: string; readonly clientId: string; readonly redirectUri: string; readonly username: string; readonly password: string };

/** The access token. Throws an UpstreamError where the page leads nowhere, as for a wrong password. */
export const logIn = async ({ issuer, clientId, redirectUri, username, password }: Login): Promise<string> => {
  const endpoint = `${issuer}/protocol/openid-connect`;
  const [verifier, state] = [randomBytes(32).toString('base64url'), randomBytes(16).toString('base64url')];
  const challenge = sha256(verifier);
  const asked = new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: 'openid', state, code_challenge: challenge, code_challenge_method: 'S256' });
  const page = await fetch(`${endpoint}/auth?${asked}`, { redirect: 'manual' });
  const action = /<form[^>]*action="([^"]+)"/.exec(await page.text())?.[1]?.replaceAll('&amp;', '&');
  if (!action) throw new UpstreamError('shape', `Keycloak shows no login page (${page.status}).`);
  const cookie = page.headers.getSetCookie().map((each) => each.split(';')[0]).join('; ');
  const back = await fetch(action, { method: 'POST', redirect: 'manual', headers: { cookie }, body: new URLSearchParams({ username, password, credentialId: '' }) });
  const location = new URL(back.headers.get('location') ?? 'about:blank');
  const code = location.searchParams.get('code');
  if (!location.href.startsWith(redirectUri) || location.searchParams.get('state') !== state || !code) throw new UpstreamError('status', `The login of ${username} was not taken (${back.status}).`, { status: back.status });
  return requestToken(`${endpoint}/token`, { grant_type: 'authorization_code', client_id: clientId, redirect_uri: redirectUri, code, code_verifier: verifier });
};

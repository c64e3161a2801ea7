/** Asks a token endpoint (RFC 6749, section 3.2). */
import { UpstreamError } from '#core/errors.ts';

/** Throws an UpstreamError with what Keycloak said when it gives no token. */
export const requestToken = async (url: string, form: Record<string, string>): Promise<string> => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token: token, ...rest } = (await response.json()) as { readonly access_token?: string };
  if (!token) throw new UpstreamError('status', `Keycloak gave no token: ${JSON.stringify(rest)}`, { status: response.status });
  return token;
};

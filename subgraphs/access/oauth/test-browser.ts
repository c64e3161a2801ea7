/** A person with a browser and an application that asks for access, over real HTTP, for tests. */
import { sha256 } from '#core/digest.ts';
import { randomToken } from '#core/secrets.ts';

/** Fetch with cookies by path, as a browser keeps them; redirects are not followed. */
export const createBrowser = (headers: Record<string, string> = {}) => {
  const cookies = new Map<string, { readonly path: string; readonly text: string }>();
  const go = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { pathname } = new URL(url);
    const sent = [...cookies.values()].filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)).map(({ text }) => text);
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { accept: 'text/html', ...headers, ...(sent.length > 0 && { cookie: sent.join('; ') }), ...(init.headers as Record<string, string> | undefined) } });
    for (const cookie of response.headers.getSetCookie()) {
      const [text = '', ...attributes] = cookie.split('; ');
      const path = attributes.find((each) => each.toLowerCase().startsWith('path='))?.slice(5) ?? '/';
      const name = `${text.split('=')[0]}|${path}`;
      if (/expires=Thu, 01 Jan 1970/i.test(cookie)) cookies.delete(name);
      else cookies.set(name, { path, text });
    }
    return response;
  };
  const post = (url: string, fields: Record<string, string | string[]>) => go(url, { method: 'POST', body: new URLSearchParams(Object.entries(fields).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, each]))) });
  return { go, post, cookies };
};
export type Browser = ReturnType<typeof createBrowser>;

export type Client = { readonly id: string; readonly secret: string | null; readonly redirectUri: string };
export type TokenAnswer = { access_token: string; refresh_token?: string; scope: string; expires_in: number; error?: string; error_description?: string };

/** `base`: where the hub is. */
export const createApplication = (base: string, client: Client) => {
  const verifier = randomToken(32);
  const challenge = sha256(verifier);
  const authorizeUrl = (scope: string, more: Record<string, string> = {}) =>
    `${base}/oauth/authorize?${new URLSearchParams({ client_id: client.id, redirect_uri: client.redirectUri, response_type: 'code', scope, state: 'st', code_challenge: challenge, code_challenge_method: 'S256', ...more })}`;
  const post = (path: string, fields: Record<string, string>) => {
    const authorization = client.secret === null ? {} : { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` };
    const body = client.secret === null ? { client_id: client.id, ...fields } : fields;
    return fetch(`${base}/oauth/${path}`, { method: 'POST', headers: authorization, body: new URLSearchParams(body) });
  };
  const answer = async (response: Response) => ({ status: response.status, ...((await response.json()) as TokenAnswer) });
  return {
    authorizeUrl, post,
    exchange: async (code: string, more: Record<string, string> = {}) => answer(await post('token', { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, code_verifier: verifier, ...more })),
    refresh: async (token: string, more: Record<string, string> = {}) => answer(await post('token', { grant_type: 'refresh_token', refresh_token: token, ...more })),
    byItself: async (more: Record<string, string> = {}) => answer(await post('token', { grant_type: 'client_credentials', ...more })),
    revoke: async (token: string) => (await post('revoke', { token })).status,
    introspect: async (token: string) => (await (await post('introspect', { token })).json()) as { active: boolean; scope?: string; client_id?: string },
  };
};
export type Application = ReturnType<typeof createApplication>;

/** From the application to the login page; answers the page's address. */
export const begin = async (browser: Browser, application: Application, scope: string): Promise<string> => {
  const response = await browser.go(application.authorizeUrl(scope));
  const location = response.headers.get('location');
  if (response.status !== 303 || !location) throw new Error(`${response.status} ${await response.text()}`);
  return new URL(location, response.url).href;
};

/** Follows redirects of the hub until they lead to the application; answers where to. */
export const follow = async (browser: Browser, response: Response, redirectUri: string): Promise<URL> => {
  let at = response;
  for (let hops = 0; hops < 5; hops++) {
    const location = at.headers.get('location');
    if (!location) throw new Error(`${at.status} ${await at.text()}`);
    const next = new URL(location, at.url);
    if (next.href.startsWith(redirectUri)) return next;
    at = await browser.go(next.href);
  }
  throw new Error('too many redirects');
};

/** The whole way of a person who allows everything that is offered: the code. */
export const authorize = async (application: Application, client: Client, key: string, scope: string, chosen = scope.split(' ')): Promise<string> => {
  const browser = createBrowser();
  const page = await begin(browser, application, scope);
  const login = await browser.post(`${page}/login`, { key });
  if (login.status !== 303) throw new Error(`${login.status} ${await login.text()}`);
  const back = await follow(browser, await browser.post(`${page}/consent`, { decision: 'allow', scope: chosen }), client.redirectUri);
  const code = back.searchParams.get('code');
  if (!code) throw new Error(back.href);
  return code;
};

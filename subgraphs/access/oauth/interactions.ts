/**
 * Where a person lets an application in: they show a key of the hub, then choose what to allow. The pages belong to one
 * authorization, which oidc-provider tells by a cookie that other sites' forms do not send (SameSite).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errors } from 'oidc-provider';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { hashCredential } from '#core/secrets.ts';
import type { Hub } from '#core/subgraph.ts';
import type { Permission } from '#core/viewer.ts';
import { holds } from '../domain.ts';
import { ApiKey, OAuthClient } from '../entities.ts';
import { intersect, permissionsIn } from '../rights.ts';
import { consentPage, contentSecurityPolicy, errorPage, loginPage } from './pages.ts';
import { type OAuthProvider, lifetimes } from './provider.ts';

/** Keys that one address may get wrong, and within how many seconds. */
export const wrongKeys = { points: 10, duration: 60 };

type Interaction = Awaited<ReturnType<OAuthProvider['provider']['interactionDetails']>>;
type Asked = { readonly interaction: Interaction; readonly client: OAuthClient; readonly action: string; readonly redirectUri: string };

export const interactionRoutes = (scope: FastifyInstance, hub: Hub, { provider, resource, mountPath }: OAuthProvider): void => {
  const wrong = new RateLimiterMemory({ ...wrongKeys });
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 16_384 }, (_request, body, done) => done(null, new URLSearchParams(String(body))));

  const asked = async (request: FastifyRequest, reply: FastifyReply): Promise<Asked> => {
    const interaction = await provider.interactionDetails(request.raw, reply.raw);
    const { uid } = request.params as { uid: string };
    const client = await hub.database.em().findOne(OAuthClient, { id: String(interaction.params['client_id']), revokedAt: null });
    if (interaction.uid !== uid || !client) throw new errors.SessionNotFound('another authorization was begun');
    return { interaction, client, action: `${mountPath}/oauth/interaction/${uid}`, redirectUri: String(interaction.params['redirect_uri']) };
  };
  const show = (reply: FastifyReply, status: number, redirectUri: string, text: string) => reply.code(status).header('content-security-policy', contentSecurityPolicy(redirectUri)).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(text);
  const showLogin = (reply: FastifyReply, { client, action, redirectUri }: Asked, status = 200, error?: string) => show(reply, status, redirectUri, loginPage({ action, clientName: client.clientName, error }));
  const signedIn = async ({ interaction }: Asked): Promise<ApiKey | null> => {
    const id = interaction.result?.login?.accountId;
    const key = id === undefined ? null : await hub.database.em().findOne(ApiKey, { id, parentId: null });
    return key && holds(key, hub.now()) ? key : null;
  };
  const showConsent = (reply: FastifyReply, found: Asked, key: ApiKey, status = 200, error?: string) => {
    const { client, action, redirectUri } = found;
    const wanted = scopesOf(found);
    const offered = offeredTo(found, key);
    const target = new URL(redirectUri);
    const details = { action, clientName: client.clientName, returnsTo: target.host || target.protocol, keyName: key.clientName, offered, withheld: wanted.filter((each) => !(offered as readonly string[]).includes(each)) };
    return show(reply, status, redirectUri, consentPage({ ...details, events: intersect(key, client).eventAccess ?? null, endsAt: new Date(hub.now().getTime() + grantSeconds(key, hub.now()) * 1000), error }));
  };
  const finish = async (request: FastifyRequest, reply: FastifyReply, result: Parameters<typeof provider.interactionFinished>[2]) => {
    reply.hijack();
    await provider.interactionFinished(request.raw, reply.raw, result, { mergeWithLastSubmission: false });
  };

  scope.get('/oauth/interaction/:uid', async (request, reply) => {
    const found = await asked(request, reply);
    const key = await signedIn(found);
    return key ? showConsent(reply, found, key) : showLogin(reply, found);
  });

  scope.post('/oauth/interaction/:uid/login', async (request, reply) => {
    const found = await asked(request, reply);
    const tries = await wrong.get(request.ip);
    if (tries && tries.consumedPoints >= wrongKeys.points) {
      const seconds = Math.max(1, Math.ceil(tries.msBeforeNext / 1000));
      return showLogin(reply.header('retry-after', String(seconds)), found, 429, `${wrongKeys.points} wrong keys within ${wrongKeys.duration} seconds are the most that one address may show. Try again in ${seconds} seconds.`);
    }
    const presented = fieldsOf(request).get('key')?.trim() ?? '';
    const key = await hub.database.em().findOne(ApiKey, { hash: hashCredential(presented), parentId: null });
    if (!key || !holds(key, hub.now())) {
      await wrong.consume(request.ip).catch((error: unknown) => {
        if (!(error instanceof RateLimiterRes)) throw error;
      });
      hub.logger.warn({ address: request.ip, client: found.client.id }, 'a key that does not hold was shown at the login page');
      return showLogin(reply, found, 401, 'This key is not known, has expired or was revoked. Check that it was copied whole.');
    }
    await provider.interactionResult(request.raw, reply.raw, { login: { accountId: key.id, remember: false } }, { mergeWithLastSubmission: false });
    return reply.redirect(found.action, 303);
  });

  scope.post('/oauth/interaction/:uid/consent', async (request, reply) => {
    const found = await asked(request, reply);
    const fields = fieldsOf(request);
    if (fields.get('decision') !== 'allow') return finish(request, reply, { error: 'access_denied', error_description: 'the access was denied' });
    const key = await signedIn(found);
    if (!key) return showLogin(reply, found, 401, 'Your key does not hold any more. Show another one.');
    const chosen = fields.getAll('scope');
    const granted = offeredTo(found, key).filter((permission) => chosen.includes(permission));
    if (granted.length === 0) return showConsent(reply, found, key, 400, 'Choose at least one thing that it may do, or deny.');
    const grant = new provider.Grant({ accountId: key.id, clientId: found.client.id, expiresIn: grantSeconds(key, hub.now()) } as ConstructorParameters<typeof provider.Grant>[0]);
    const refused = scopesOf(found).filter((each) => !(granted as readonly string[]).includes(each)).join(' ');
    for (const [add, scopes] of [['add', granted.join(' ')], ['reject', refused]] as const) {
      if (scopes === '') continue;
      grant[`${add}OIDCScope`](scopes);
      grant[`${add}ResourceScope`](resource, scopes);
    }
    return finish(request, reply, { login: { accountId: key.id, remember: false }, consent: { grantId: await grant.save() } });
  });

  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof errors.OIDCProviderError)) throw error;
    return show(reply, 400, '', errorPage('This page has ended', 'The authorization took too long, was finished already, or was begun in another browser. Go back to the application and begin anew.', error.error));
  });
};

const fieldsOf = ({ body }: FastifyRequest): URLSearchParams => (body instanceof URLSearchParams ? body : new URLSearchParams());
const scopesOf = ({ interaction }: Asked): string[] => [...new Set(String(interaction.params['scope'] ?? '').split(' ').filter((each) => each !== ''))];
const offeredTo = (found: Asked, key: ApiKey): readonly Permission[] => intersect(intersect(key, found.client), { permissions: permissionsIn(scopesOf(found)), documents: 'any' }).permissions;

/** A grant ends with its key. */
const grantSeconds = ({ expiresAt }: ApiKey, now: Date): number => Math.max(1, Math.min(lifetimes.grant, expiresAt ? Math.floor((expiresAt.getTime() - now.getTime()) / 1000) : Infinity));

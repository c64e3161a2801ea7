/** An OAuth server over a hub of its own, for tests: its clients, keys and what was audited of them. */
import { type FastifyInstance, fastify } from 'fastify';
import { freePort } from '#core/embedded-postgres.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import type { Permission } from '#core/viewer.ts';
import { entities } from '../entities.ts';
import { createIdentify } from '../identify.ts';
import { subgraph } from '../index.ts';
import { oauthRoutes } from './server.ts';
import { type Client, createApplication } from './test-browser.ts';

export const admin = viewerOf(['admin'], 'all', 'key_admin');
export const redirectUri = 'https://app.test/back';

/** A server with a hub and an address of its own; `close` ends both. */
export const openOAuth = async () => {
  const own = await openTestHub({ entities });
  const apps: FastifyInstance[] = [];
  /** One more server over the same database. */
  const serve = async (publicUrl?: string): Promise<Hub> => {
    const port = await freePort();
    const app = fastify();
    const served = { ...own.hub, publicUrl: publicUrl ?? `http://127.0.0.1:${port}`, now: () => new Date() };
    await app.register(oauthRoutes(served));
    await app.listen({ port, host: '127.0.0.1' });
    apps.push(app);
    return served;
  };
  const hub = await serve();
  const base = hub.publicUrl;
  const ask = asker(subgraph, hub);
  const register = async (input: Record<string, unknown> = {}): Promise<Client & { application: ReturnType<typeof createApplication> }> => {
    type Answer = { registerOAuthClient: { clientSecret: string | null; client: { id: string } | null; userErrors: { code: string; field: string }[] } };
    const { data } = await ask<Answer>('mutation ($input: RegisterOAuthClientInput!) { registerOAuthClient(input: $input) { clientSecret client { id } userErrors { code field } } }', admin, {
      input: { clientName: 'Zapier', redirectUris: [redirectUri], grantTypes: ['AUTHORIZATION_CODE'], permissions: ['read_events', 'read_attendance'], ...input },
    });
    const { client, clientSecret, userErrors } = data.registerOAuthClient;
    if (!client) throw new Error(JSON.stringify(userErrors));
    const made = { id: client.id, secret: clientSecret, redirectUri };
    return { ...made, application: createApplication(base, made) };
  };
  const createKey = async (permissions: readonly Permission[] = ['read_events', 'read_orders'], more: Record<string, unknown> = {}): Promise<{ id: string; key: string }> => {
    const { data } = await ask<{ createApiKey: { apiKey: string; key: { id: string } } }>('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey key { id } } }', admin, { input: { clientName: 'Back office', permissions, ...more } });
    return { id: data.createApiKey.key.id, key: data.createApiKey.apiKey };
  };
  const revokeKey = (id: string) => ask('mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }', admin, { id });
  const audited = (subject: string) => query<{ action: string; actor: string | null; details: Record<string, unknown> }>(hub.database.em(), 'select action, actor, details from access.audit_log where subject = $1 order by id', [subject]);
  const close = async (): Promise<void> => {
    for (const app of apps) await app.close();
    await own[Symbol.asyncDispose]();
  };
  return { hub, base, ask, identify: createIdentify(hub), serve, register, createKey, revokeKey, audited, close };
};

import { expect, test } from 'vitest';
import { asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { subgraph } from './index.ts';

test('the audit log tells who made a key, newest first', async () => {
  await using opened = await openTestHub({ entities: subgraph.entities });
  const ask = asker(subgraph, opened.hub);
  const admin = viewerOf(['admin']);
  for (const clientName of ['first', 'second']) await ask('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { userErrors { code } } }', admin, { input: { clientName, permissions: ['read_events'] } });
  const { data, errors } = await ask<{ auditLog: { totalCount: number; edges: { node: { id: string; action: string; actor: string } }[] } }>('{ auditLog { totalCount edges { node { id action actor } } } }', admin);
  expect(errors).toEqual([]);
  expect(data.auditLog.totalCount).toBe(2);
  expect(data.auditLog.edges.map(({ node }) => node)).toEqual(['2', '1'].map((id) => ({ id, action: 'key.created', actor: admin.keyId })));
});

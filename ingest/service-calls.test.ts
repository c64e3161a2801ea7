import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Service } from '#core/services.ts';
import { pullService } from './pull.ts';
import { openTestIngest } from './test-kit.ts';

test('a service whose clock is off by years is pulled like any other, and its clock is told as far off as can be', async () => {
  await using own = await openTestIngest();
  let year = 1990;
  const server = createServer((_request, response) => response.writeHead(200, { date: new Date(Date.UTC(year, 0)).toUTCString() }).end('{}'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  own.upstream.pull = async function* ({ http }) {
    await http.request({ url: `http://127.0.0.1:${port}/` });
    yield { facts: [], rejected: [], cursor: year };
  };
  await own.addService();
  for (const [off, told] of [[1990, -2_147_483_647], [2090, 2_147_483_647]] as const) {
    year = off;
    await pullService(own.ingest, 'svc_test', new AbortController().signal);
    expect(await own.hub.database.em().findOneOrFail(Service, { id: 'svc_test' })).toMatchObject({ clockSkewMs: told, lastError: null, cursor: off });
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** What `npm start` tells: what is where, a key, a query to try. */
import type { Config } from '#core/config.ts';
import { adminKeyFile } from './foundation.ts';
import type { HubProcess } from './hub.ts';

export const printWelcome = (hub: HubProcess, config: Config): void => {
  if (hub.dataDir === null) return console.log(`eventgraph: running at ${hub.url}`);
  const header = `authorization: Bearer ${hub.adminKey}`;
  const query = '{ events(first: 5) { edges { node { id name status attendance { currentAttendees totalRegistered attendanceRate } } } } }';
  console.log(
    [
      '',
      'Eventgraph is running.',
      '',
      `  GraphQL and WebSocket  ${hub.url}/graphql`,
      `  Explorer               ${hub.url}/explorer/#key=${hub.adminKey}`,
      `  Health                 ${hub.url}/health/ready`,
      `  Database               ${config.databaseUrl ? 'yours (DATABASE_URL)' : `embedded, in ${hub.dataDir}`}`,
      ...(hub.demo?.upstreams ?? []).map(({ name, url }) => `  ${`Demo ${name}`.padEnd(22)} ${url}`),
      '',
      `  Admin key              ${hub.adminKey}`,
      `                         (also in ${adminKeyFile(hub.dataDir)})`,
      '',
      'Try a query:',
      '',
      `  curl -s ${hub.url}/graphql -H 'content-type: application/json' -H '${header}' \\`,
      `    -d '${JSON.stringify({ query })}'`,
      '',
      'Ctrl-C stops everything.',
      '',
    ].join('\n'),
  );
};

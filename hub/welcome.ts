/** What `npm start` tells: what is where, a key, a query to try. */
import type { Config } from '#core/config.ts';
import { adminKeyFile } from './foundation.ts';
import type { HubProcess } from './hub.ts';

export const printWelcome = (hub: HubProcess, config: Config, hasExplorer: boolean): void => {
  if (hub.dataDir === null) return console.log(`eventgraph: running at ${hub.url}`);
  const keyFile = adminKeyFile(hub.dataDir);
  // The key of a demo may be shown; that of a real hub would end up in its journal.
  const key = hub.demo ? hub.adminKey : `$(cat ${keyFile})`;
  const header = `authorization: Bearer ${key}`;
  const query = '{ events(first: 5) { edges { node { id name status attendance { currentAttendees totalRegistered attendanceRate } } } } }';
  console.log(
    [
      '',
      'Eventgraph is running.',
      '',
      `  GraphQL and WebSocket  ${hub.url}/graphql`,
      ...(hasExplorer ? [`  Explorer               ${hub.url}/explorer/${hub.demo ? `#key=${hub.adminKey}` : ''}`] : []),
      `  REST                   ${hub.url}/api/docs/`,
      `  Health                 ${hub.url}/health/ready`,
      `  Database               ${config.databaseUrl ? 'yours (DATABASE_URL)' : `embedded, in ${hub.dataDir}`}`,
      ...(hub.demo?.upstreams ?? []).map(({ name, url }) => `  ${`Demo ${name}`.padEnd(22)} ${url}`),
      '',
      `  Admin key              ${hub.demo ? hub.adminKey : `in ${keyFile}`}`,
      ...(hub.demo ? [`                         (also in ${keyFile})`] : []),
      '',
      'Try a query:',
      '',
      `  curl -s ${hub.url}/graphql -H 'content-type: application/json' -H "${header}" \\`,
      `    -d '${JSON.stringify({ query })}'`,
      '',
      'Ctrl-C stops everything.',
      '',
    ].join('\n'),
  );
};

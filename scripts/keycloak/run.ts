/** `npx node scripts/keycloak/run.ts`: a real Keycloak to try things on, until Ctrl-C. */
import { once } from 'node:events';
import { startKeycloak } from './keycloak.ts';

await using keycloak = await startKeycloak({ log: (line) => console.error(line) });
const token = await keycloak.tokenOfClient('reporting', 'reporting secret');
console.log(`EVENTGRAPH_JWT_ISSUERS='${JSON.stringify([{ issuer: keycloak.issuer, audience: 'eventgraph', documents: 'any' }])}' npm start`);
console.log(`curl -H 'authorization: Bearer ${token}' -H 'content-type: application/json' -d '{"query": "{ viewer { id permissions } }"}' http://127.0.0.1:4000/graphql`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);

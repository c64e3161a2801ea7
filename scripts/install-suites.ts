/**
 * `npm run install:suites`: brings what the suites over pretix, Keycloak and schemathesis need onto this machine. It does
 * so behind whatever else is done there: most of it is waiting for downloads.
 */
import { constants, setPriority } from 'node:os';
import { installKeycloak } from './keycloak/install.ts';
import { installPretix } from './pretix/install.ts';
import { installSchemathesis } from './schemathesis/schemathesis.ts';

const log = (line: string): void => console.error(line);

setPriority(constants.priority.PRIORITY_LOW);
for (const install of [installPretix, installSchemathesis, installKeycloak]) await install(log);

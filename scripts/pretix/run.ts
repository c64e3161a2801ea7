/** `npx node scripts/pretix/run.ts`: a real pretix to try things on, until Ctrl-C. */
import { once } from 'node:events';
import { startPretix } from './pretix.ts';

await using pretix = await startPretix({ log: (line) => console.error(line) });
const { url, organizer, token, events } = pretix;
console.log(JSON.stringify({ url, organizer, token, events }, null, 2));
console.log(`curl -H 'Authorization: Token ${token}' ${url}/api/v1/organizers/${organizer}/events/`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);

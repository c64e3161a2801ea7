/** Runs the platform and the services beside it: `npx node simulators/ticketing/start.ts`. Prints what to register it with. */
import { createTicketingSimulator } from './index.ts';

const simulator = await createTicketingSimulator({ evening: { speed: 20 } });
console.log(JSON.stringify({ product: 'ticketing', endpoints: { api: simulator.platform.url }, apiKey: simulator.platform.token, settings: simulator.settings }, null, 2));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator[Symbol.asyncDispose]());

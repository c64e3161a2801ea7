/** Runs the venue desk by itself and tells how it is registered: `npx node simulators/custom/start.ts [--port N] [--speed N]`. */
import { parseArgs } from 'node:util';
import { declaration, declaredSigning } from './declaration.ts';
import { createCustomSimulator } from './index.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '4804' }, speed: { type: 'string', default: '20' } } });
const [port, speed] = [Number(values.port), Number(values.speed)];
if (!Number.isInteger(port) || port < 0 || port > 65_535 || !(speed > 0)) {
  console.error('--port is a number from 0 to 65535, and --speed is above 0.');
  process.exit(1);
}
const key = 'key-of-the-venue-desk';
const desk = await createCustomSimulator({ port, authentication: { kind: 'header', name: 'X-Api-Key', value: key }, signing: declaredSigning, evening: { speed } });
const input = { product: 'custom', serviceName: 'Venue desk', endpoints: { api: desk.url }, authentication: { type: 'API_KEY', credentials: { apiKey: key, name: 'X-Api-Key' } }, syncSettings: { interval: 15 }, settings: declaration };
console.error(`The venue desk runs at ${desk.url}. What registers it, for previewEventService and registerEventService:`);
console.log(JSON.stringify({ input }, null, 2));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void desk[Symbol.asyncDispose]());

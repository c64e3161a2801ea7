/** Runs the simulated Eventbrite by itself: `npx node simulators/eventbrite/start.ts [--port N] [--speed N] [--lag SECONDS]`. */
import { parseArgs } from 'node:util';
import { createEventbriteSimulator } from './index.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '4803' }, speed: { type: 'string', default: '1' }, lag: { type: 'string', default: '15' } } });
const [port, speed, lag] = [Number(values.port), Number(values.speed), Number(values.lag)];
if (!Number.isInteger(port) || port < 0 || port > 65_535 || !(speed > 0) || !(lag >= 0)) {
  console.error('--port is a number from 0 to 65535, --speed is above 0, and --lag is in seconds.');
  process.exit(1);
}
const simulator = await createEventbriteSimulator({ port, lag: { longestMs: lag * 1000 }, day: { speed } });
console.log(`Eventbrite, simulated: ${simulator.url}/v3, organization ${simulator.organizationId}, private token ${simulator.token}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator[Symbol.asyncDispose]());

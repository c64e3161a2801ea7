/**
 * Runs the gate system by itself: `npx node simulators/gatekeeper/start.ts [--port N] [--speed N] [--seed TEXT]`.
 */
import { parseArgs } from 'node:util';
import { createGatekeeperSimulator } from './index.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '4801' }, speed: { type: 'string', default: '1' }, seed: { type: 'string', default: 'eventgraph' } } });
const [port, speed] = [Number(values.port), Number(values.speed)];
if (!Number.isInteger(port) || port < 0 || port > 65_535 || !(speed > 0)) {
  console.error('--port is a number from 0 to 65535, and --speed is above 0.');
  process.exit(1);
}
const simulator = await createGatekeeperSimulator({ port, seed: values.seed, clock: { speed } });
console.log(`The gate system runs ${simulator.events.length} events with the key ${simulator.apiKey}:`);
for (const { eventId } of simulator.events) console.log(`  ${simulator.endpoint(eventId)}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator[Symbol.asyncDispose]());

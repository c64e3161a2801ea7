/**
 * Live fan-out: 5,000 subscribers of one event, alike, over loopback: what an idle one costs in memory, how long a
 * change takes from its commit to each of them, and what it costs the hub, against the same hub where nothing can be
 * shared, as every subscriber has rights of its own: one source, one execution and one encoding each.
 */
import { alternate, benchDatabase, median, quantile } from './harness.ts';
import type { ClientQuestions } from './subscriptions/clients.ts';
import { startPart } from './parts.ts';
import type { ServerQuestions } from './subscriptions/server.ts';

const subscribers = 5_000;
/** Few, as opening 5,000 subscriptions takes its time, and so does a change for which each is executed. */
const rounds = 2;
const changes = { same: 20, own: 2 } as const;

await using database = await benchDatabase();
await using server = await startPart<ServerQuestions>('subscriptions/server.ts', database.url);
await using one = await startPart<ClientQuestions>('subscriptions/clients.ts');
await using other = await startPart<ClientQuestions>('subscriptions/clients.ts');
const clients = [one, other] as const;
const url = await server.ask('url');
const share = subscribers / clients.length;

const open = (kind: 'same' | 'own') => Promise.all(clients.map((each, index) => each.ask('open', url, share, kind, index * share)));
const close = () => Promise.all(clients.map((each) => each.ask('close')));

let made = 0;
type Delivered = { readonly latencies: readonly number[]; readonly cpu: number };
/** One change, when every subscriber has it: milliseconds from its commit to each, and processor time of the hub. */
const deliver = async (): Promise<Delivered> => {
  const n = ++made;
  await Promise.all(clients.map((each) => each.ask('expect', n)));
  const before = await server.ask('cpu');
  const committed = await server.ask('change', n);
  const received = (await Promise.all(clients.map((each) => each.ask('received')))).flat();
  return { latencies: received.map((at) => at - committed), cpu: (await server.ask('cpu')) - before };
};

const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

const latencies: Record<'same' | 'own', number[]> = { same: [], own: [] };
const rates: Record<'same' | 'own', number[]> = { same: [], own: [] };
/** Opens them all, and answers the median processor time of a change. */
const round = (kind: 'same' | 'own') => async (): Promise<number> => {
  const empty = await server.ask('memory');
  await open(kind);
  const idle = await server.ask('memory');
  if (kind === 'same') {
    await deliver(); // they find together
    tellMemory(empty, idle, await server.ask('memory'));
  }
  const cpu: number[] = [];
  const start = performance.now();
  for (let n = 0; n < changes[kind]; n++) {
    const delivered = await deliver();
    latencies[kind].push(...delivered.latencies);
    cpu.push(delivered.cpu);
  }
  rates[kind].push(changes[kind] / ((performance.now() - start) / 1000));
  await close();
  return median(cpu);
};

type Memory = { readonly rss: number; readonly heapUsed: number };
let isTold = false;
/** Of the first round alone: later ones find memory that the process has already. */
const tellMemory = (empty: Memory, idle: Memory, joined: Memory): void => {
  if (isTold) return;
  isTold = true;
  const perSubscriber = (now: Memory) => `${kilobytes(now.rss - empty.rss)} (JavaScript heap ${kilobytes(now.heapUsed - empty.heapUsed)})`;
  console.log(`an idle subscriber, its socket included: ${perSubscriber(idle)}; once it has found to the others, with the first change: ${perSubscriber(joined)}`);
};
const kilobytes = (bytes: number) => `${(bytes / subscribers / 1_000).toFixed(1)} kB`;

const cost = await alternate(rounds, round('same'), round('own'));
for (const kind of ['same', 'own'] as const) {
  const name = kind === 'same' ? `${subscribers.toLocaleString('en')} alike` : 'executing for each';
  console.log(`${name}: from commit to client ${ms(median(latencies[kind]))}, p99 ${ms(quantile(latencies[kind], 0.99))}; ${median(rates[kind]).toFixed(2)} changes/s, one after the other; processor time of the hub ${ms(kind === 'same' ? cost.ours : cost.peer)} a change`);
}
console.log(`a change is ${(cost.peer / cost.ours).toFixed(1)} times cheaper where subscribers are alike (wanted: at least 10), and ${(median(rates.same) / median(rates.own)).toFixed(1)} times as many come through`);

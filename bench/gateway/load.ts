/**
 * The load generator: a number of kept connections, each with one request under way at any time. It speaks just enough
 * HTTP on bare sockets to cost little beside what it measures, and checks the status and length of every answer.
 */
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Workload } from './workloads.ts';

export type Load = {
  readonly url: string;
  readonly workload: Workload;
  readonly seconds: number;
  /** Go on until so many are answered, even when the seconds are over: a warm-up that has seen every body. */
  readonly atLeast?: number;
  readonly connections?: number;
  /** Of every answer, in bytes; see `verify`. */
  readonly length: number;
};
export type Measured = { readonly perSecond: number; readonly p50: number; readonly p99: number; readonly answered: number };

/** Asks some bodies one by one, compares with the reference, and answers the length in bytes that all answers have. */
export const verify = async (url: string, workload: Workload): Promise<number> => {
  const lengths = new Set<number>();
  for (let index = 0; index < workload.bodies.length; index += Math.ceil(workload.bodies.length / 20)) {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json', ...(workload.authorization ? { authorization: workload.authorization } : {}) }, body: workload.bodies[index] });
    const text = await response.text();
    if (response.status !== 200 || !isDeepStrictEqual(JSON.parse(text), await workload.reference(index))) throw new Error(`${url} answers ${response.status} and not the reference: ${text.slice(0, 300)}`);
    lengths.add(Buffer.byteLength(text));
  }
  const [length] = lengths;
  if (length === undefined || lengths.size > 1) throw new Error(`Answers to ${workload.name} are not equally long: ${[...lengths].join(', ')}.`);
  return length;
};

export const run = async (load: Load): Promise<Measured> => {
  const { hostname, port, pathname } = new URL(load.url);
  const { authorization } = load.workload;
  const head = (length: number) => `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\naccept: application/json\r\n${authorization ? `authorization: ${authorization}\r\n` : ''}content-length: ${length}\r\n\r\n`;
  const requests = load.workload.bodies.map((body) => Buffer.from(head(Buffer.byteLength(body)) + body));
  const latencies: number[] = [];
  let sent = 0;
  const start = performance.now();
  const end = start + load.seconds * 1000;
  const isOver = () => performance.now() >= end && latencies.length >= (load.atLeast ?? 0);
  const connections = Array.from({ length: load.connections ?? 50 }, () =>
    converse(Number(port), hostname, load.length, {
      next: () => (isOver() ? null : requests[sent++ % requests.length] ?? null),
      answered: (ms) => void latencies.push(ms),
    }),
  );
  await Promise.all(connections);
  const seconds = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN;
  return { perSecond: latencies.length / seconds, p50: quantile(0.5), p99: quantile(0.99), answered: latencies.length };
};

type Script = { next(): Buffer | null; answered(ms: number): void };

/** One connection: request, answer, request … until there is no next one. Rejects on the first answer that is not right. */
const converse = (port: number, host: string, length: number, script: Script): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true });
    let answer = createAnswer();
    let sentAt = 0;
    const send = (): void => {
      const request = script.next();
      if (!request) return void socket.end(resolve);
      sentAt = performance.now();
      socket.write(request);
    };
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new Error(`${host}:${port} ${reason}`));
    };
    socket.on('connect', send);
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed the connection before its answer.'));
    socket.on('data', (bytes) => {
      const whole = answer.add(bytes as Buffer);
      if (!whole) return;
      if (whole.status !== 200 || whole.length !== length) return fail(`answered ${whole.status} with ${whole.length} bytes where 200 with ${length} was right.`);
      script.answered(performance.now() - sentAt);
      answer = createAnswer();
      send();
    });
  });

type Whole = { readonly status: number; readonly length: number };
const endOfHead = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('\r\n0\r\n\r\n');

/** Reads one answer, of a known length or in chunks; answers its status and length when it has come whole. */
const createAnswer = (): { add(bytes: Buffer): Whole | null } => {
  const parts: Buffer[] = [];
  let head: { readonly status: number; readonly length: number | null } | undefined;
  let received = 0;
  const readHead = (bytes: Buffer): void => {
    const all = parts.length === 0 ? bytes : Buffer.concat([...parts, bytes]);
    parts.length = 0;
    const end = all.indexOf(endOfHead);
    if (end < 0) return void parts.push(all);
    const text = all.toString('latin1', 0, end).toLowerCase();
    const given = /\r\ncontent-length: *(\d+)/.exec(text)?.[1];
    head = { status: Number(text.slice(9, 12)), length: given === undefined ? null : Number(given) };
    received = all.length - end - endOfHead.length;
    if (head.length === null) parts.push(all.subarray(end + endOfHead.length - 2));
  };
  return {
    add(bytes) {
      if (!head) readHead(bytes);
      else {
        received += bytes.length;
        if (head.length === null) parts.push(bytes);
      }
      if (!head) return null;
      if (head.length !== null) return received >= head.length ? { status: head.status, length: received } : null;
      const tail = parts.at(-1) ?? bytes;
      if (!(tail.length >= lastChunk.length ? tail : Buffer.concat(parts)).subarray(-lastChunk.length).equals(lastChunk)) return null;
      return { status: head.status, length: lengthOfChunks(Buffer.concat(parts)) };
    },
  };
};

/** Of what chunks hold. The text begins with the line end before the first chunk's size. */
const lengthOfChunks = (text: Buffer): number => {
  let total = 0;
  for (let at = 2; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.toString('latin1', at, end), 16);
    if (!(size > 0)) return total;
    total += size;
    at = end + 2 + size + 2;
  }
};

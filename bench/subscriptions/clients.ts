/** Many subscribers in one process, each with a `graphql-transport-ws` socket of its own. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { answerQuestions, sharedNow } from '../parts.ts';

export type ClientQuestions = typeof questions;

const query = 'subscription { attendanceChanged(eventIds: ["bench"]) { cursor attendance { currentAttendees attendanceRate } event { id name status period { start end } } } }';

let sockets: WebSocket[] = [];
let wanted = '';
let got: number[] = [];
let expected = 0;
let all: (() => void) | null = null;
/** Subscribers that have their first value. */
let begun = 0;

const take = (data: Buffer): void => {
  const now = sharedNow();
  const text = data.toString();
  if (!text.includes('"type":"next"')) {
    if (!text.includes('"connection_ack"')) throw new Error(text);
    return;
  }
  if (text.includes('"errors"')) throw new Error(text);
  if (begun < expected) begun++;
  else if (text.includes(wanted)) got.push(now);
  if (begun === expected && (wanted === '' || got.length === expected)) all?.();
};

const open = async (url: string, key: string): Promise<void> => {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  socket.on('message', take);
  await once(socket, 'open');
  sockets.push(socket);
  socket.send(JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': key } }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', id: crypto.randomUUID(), payload: { query } }));
};

const questions = {
  /** Resolves when so many subscribers have their first value. */
  async open(url: string, count: number, kind: 'same' | 'own', from: number): Promise<void> {
    [expected, begun, wanted] = [count, 0, ''];
    const ready = new Promise<void>((resolve) => (all = resolve));
    for (let index = 0; index < count; index += 50) await Promise.all(Array.from({ length: Math.min(50, count - index) }, (_, n) => open(url, kind === 'same' ? 'same' : `own-${from + index + n}`)));
    await ready;
  },
  /** Waits for a change at every subscriber. */
  expect(n: number): void {
    [wanted, got] = [`"currentAttendees":${n},`, []];
  },
  /** When each subscriber got it. */
  async received(): Promise<number[]> {
    if (got.length < expected) await new Promise<void>((resolve) => (all = resolve));
    return got;
  },
  async close(): Promise<void> {
    const closing = sockets;
    sockets = [];
    await Promise.all(closing.map((socket) => (socket.close(), once(socket, 'close'))));
  },
};
answerQuestions(questions);

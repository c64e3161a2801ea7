/** One live subscriber of many events, who knows how long a change took from the gate until it was told. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { sharedNow } from '../parts.ts';

export type Subscriber = AsyncDisposable & {
  /** Somebody came to this event at that time. */
  expect(eventId: string, at: number): void;
  /** Changes that were expected and not told yet. */
  missing(): number;
  /** Milliseconds of every change told since this was last asked for; changes that are told together count each. */
  takeLatencies(): readonly number[];
};

export const followAttendance = async ({ url, adminKey }: { readonly url: string; readonly adminKey: string }, eventIds: readonly string[]): Promise<Subscriber> => {
  // Either side may come first: who came, and what is told of it, as times.
  const pairs = new Map(eventIds.map((id) => [id, { came: [] as number[], told: [] as number[] }]));
  let latencies: number[] = [];
  const note = (eventId: string, side: 'came' | 'told', at: number): void => {
    const { came, told } = pairs.get(eventId) ?? { came: [], told: [] };
    (side === 'came' ? came : told).push(at);
    while (came.length > 0 && told.length > 0) latencies.push((told.shift() ?? NaN) - (came.shift() ?? NaN));
  };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { perMessageDeflate: false });
  const toldLast = new Map<string, number>();
  socket.on('message', (data: Buffer) => {
    const { type, payload } = JSON.parse(data.toString('utf8')) as { type: string; payload?: { data?: { attendanceChanged: { event: { id: string }; attendance: { currentAttendees: number } } }; errors?: unknown } };
    if (type !== 'next' || !payload?.data) return;
    const now = sharedNow();
    const { event, attendance } = payload.data.attendanceChanged;
    // As many came as there are more inside: nobody leaves in this bench.
    const came = attendance.currentAttendees - (toldLast.get(event.id) ?? attendance.currentAttendees);
    toldLast.set(event.id, attendance.currentAttendees);
    for (let n = 0; n < came; n++) note(event.id, 'told', now);
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${adminKey}` } }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: `subscription ($ids: [ID!]) { attendanceChanged(eventIds: $ids) { attendance { currentAttendees } event { id name } } }`, variables: { ids: eventIds } } }));
  return {
    expect: (eventId, at) => note(eventId, 'came', at),
    missing: () => [...pairs.values()].reduce((sum, { came }) => sum + came.length, 0),
    takeLatencies() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
};

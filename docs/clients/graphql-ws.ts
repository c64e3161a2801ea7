/**
 * A subscription that misses nothing: it remembers the cursor of the last change, and comes back behind it after a break.
 * Prints so many values (the first argument; 1 unless given) and ends.
 */
import { print } from 'graphql';
import { CloseCode, createClient } from 'graphql-ws';
import { AttendanceChangedDocument, type AttendanceChangedSubscription } from './generated/graphql.ts';

const client = createClient({
  url: `${(process.env['EVENTGRAPH_URL'] ?? 'http://localhost:4000').replace('http', 'ws')}/graphql`,
  connectionParams: { authorization: `Bearer ${process.env['EVENTGRAPH_KEY'] ?? ''}` },
  // Breaks are gone over below, with a cursor that is newer than the one of the first subscription.
  retryAttempts: 0,
});

let left = Number(process.argv[2] ?? 1);
let after: string | undefined;
let pause = 500;

while (left > 0) {
  try {
    for await (const { data, errors } of client.iterate<AttendanceChangedSubscription>({ query: print(AttendanceChangedDocument), variables: { after } })) {
      if (errors) throw new Error(String(errors[0]?.extensions?.['code']));
      const change = data?.attendanceChanged;
      if (!change) continue;
      after = change.cursor;
      pause = 500;
      console.log(`${change.event.id}: ${change.attendance.currentAttendees} present at ${change.attendance.updatedAt}`);
      if (--left === 0) break;
    }
  } catch (error) {
    // 4403: the key does not hold (any more). Coming back would change nothing.
    if ((error as { code?: unknown }).code === CloseCode.Forbidden) throw new Error('Forbidden');
    console.error('interrupted:', error instanceof Error ? error.message : error);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * pause));
    pause = Math.min(pause * 2, 30_000);
  }
}
await client.dispose();

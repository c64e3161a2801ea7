/** Changes of many events at once, told to a subscriber of all of them: requests to subgraphs, as a count and not as a time. */
import { benchDatabase } from './harness.ts';
import { startPart } from './parts.ts';
import type { ServerQuestions } from './subscriptions/server.ts';

const events = 20;

await using database = await benchDatabase();
await using server = await startPart<ServerQuestions>('subscriptions/server.ts', database.url);
const { together, apart } = await server.ask('requestsFor', events);
console.log(`${events} events that change at once: ${together} request${together === 1 ? '' : 's'} to subgraphs for what they add (wanted: 1); one after the other: ${apart}`);

/** Apollo Client 4: queries over HTTP, subscriptions over WebSocket, one cache for both. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { AttendanceChangedDocument, EventsDocument } from './generated/graphql.ts';
import { possibleTypes } from './generated/possible-types.ts';

const url = process.env['EVENTGRAPH_URL'] ?? 'http://localhost:4000';
const headers = { authorization: `Bearer ${process.env['EVENTGRAPH_KEY'] ?? ''}` };

const sockets = createClient({ url: `${url.replace('http', 'ws')}/graphql`, connectionParams: headers });
const client = new ApolloClient({
  link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, new GraphQLWsLink(sockets), new HttpLink({ uri: `${url}/graphql`, headers })),
  cache: new InMemoryCache({ possibleTypes }),
});

// Part of an answer is better than none: what is missing is null, and told in `error`.
const { data, error } = await client.query({ query: EventsDocument, variables: { first: 10 }, errorPolicy: 'all' });
if (error) console.error(error.message);
const ids = data?.events?.edges?.flatMap((edge) => edge?.node?.id ?? []) ?? [];
console.log(`${ids.length} events`);

// The first value is the current one; what follows are changes.
await new Promise<void>((resolve, reject) => {
  const subscription = client.subscribe({ query: AttendanceChangedDocument, variables: { eventIds: ids } }).subscribe({
    next(result) {
      const change = result.data?.attendanceChanged;
      console.log(`${change?.event?.id}: ${change?.attendance?.currentAttendees} present`);
      subscription.unsubscribe();
      resolve();
    },
    error: reject,
  });
});
await sockets.dispose();

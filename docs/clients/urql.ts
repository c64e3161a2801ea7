/** urql: a query, its answer typed. */
import { Client, fetchExchange } from '@urql/core';
import { EventsDocument } from './generated/graphql.ts';

const client = new Client({
  url: `${process.env['EVENTGRAPH_URL'] ?? 'http://localhost:4000'}/graphql`,
  // urql asks with GET where it can unless told not to; both are answered.
  preferGetMethod: false,
  exchanges: [fetchExchange],
  fetchOptions: { headers: { authorization: `Bearer ${process.env['EVENTGRAPH_KEY'] ?? ''}` } },
});

const { data, error } = await client.query(EventsDocument, { first: 10 });
// What could not be answered is null in `data` and told here; each error has a stable code.
for (const { message, extensions } of error?.graphQLErrors ?? []) console.error(extensions['code'], message);
for (const { node } of data?.events?.edges ?? []) console.log(`${node.id}: ${node.name}, ${node.status}`);

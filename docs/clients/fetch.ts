/** A query with nothing but `fetch`: the document knows its variables and its answer. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { EventAttendanceDocument, EventsDocument } from './generated/graphql.ts';

const url = process.env['EVENTGRAPH_URL'] ?? 'http://localhost:4000';
const key = process.env['EVENTGRAPH_KEY'] ?? '';

type Answer<Data> = { data: Data | null; errors?: { message: string; path?: (string | number)[]; extensions: { code: string } }[] };

const ask = async <Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Answer<Data>> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  return (await response.json()) as Answer<Data>;
};

const { data, errors } = await ask(EventsDocument, { first: 10 });
if (errors) console.error(errors);

for (const { node } of data?.events?.edges ?? []) {
  const answer = await ask(EventAttendanceDocument, { eventId: node.id });
  const attendance = answer.data?.event?.attendance;
  console.log(`${node.id}: ${attendance?.currentAttendees ?? '?'} of ${attendance?.totalRegistered ?? '?'} present`);
}

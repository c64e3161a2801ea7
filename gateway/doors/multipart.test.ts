/** Deferred parts, with Apollo Client. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Defer20220824Handler } from '@apollo/client/incremental';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { Answer } from '../answer.ts';
import { multipartDefer, sendMultipart } from './multipart.ts';

let app: FastifyInstance;
async function* answersOf(texts: AsyncIterable<string>): AsyncGenerator<Answer> {
  for await (const text of texts) yield new Answer(Buffer.from(text), true, []);
}
afterEach(() => app.close());

const serve = async (parts: () => AsyncIterable<string>, sent: (outcome: unknown) => void = () => undefined): Promise<string> => {
  app = fastify({ forceCloseConnections: true });
  app.post('/graphql', async (_request, reply) => {
    await sendMultipart(reply, multipartDefer, answersOf(parts())).then(() => sent('sent'), sent);
    return reply;
  });
  return `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
};
const query = gql('{ thing { id ... @defer { slow } } }');
const follow = (uri: string) => {
  const client = new ApolloClient({ link: new HttpLink({ uri }), cache: new InMemoryCache(), incrementalHandler: new Defer20220824Handler() });
  const seen: unknown[] = [];
  const watched = client.watchQuery({ query, fetchPolicy: 'no-cache' }).subscribe({ next: ({ data, error }) => void seen.push(error ?? data), error: (error: unknown) => void seen.push(error) });
  return { seen, stop: () => (watched.unsubscribe(), client.stop()) };
};

test('each part is there as soon as it was sent', async () => {
  const { promise: later, resolve } = Promise.withResolvers<void>();
  const { seen, stop } = follow(
    await serve(async function* () {
      yield '{"data":{"thing":{"__typename":"Thing","id":"1"}},"hasNext":true}';
      await later;
      yield '{"incremental":[{"path":["thing"],"data":{"__typename":"Thing","slow":"ä"}}],"hasNext":false}';
    }),
  );
  await expect.poll(() => seen).toContainEqual({ thing: { __typename: 'Thing', id: '1' } });
  resolve();
  await expect.poll(() => seen).toContainEqual({ thing: { __typename: 'Thing', id: '1', slow: 'ä' } });
  stop();
});

test('parts that fail cut the answer off: a client sees that it is not whole', async () => {
  const { seen, stop } = follow(
    await serve(async function* () {
      yield '{"data":{"thing":{"__typename":"Thing","id":"1"}},"hasNext":true}';
      throw new Error('lost');
    }),
  );
  await expect.poll(() => seen.at(-1)).toBeInstanceOf(Error);
  stop();
});

test('nothing more is asked for than the client takes, and nothing once it has gone', async () => {
  let asked = 0;
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const url = await serve(async function* () {
    try {
      while (asked < 1_000) yield JSON.stringify({ data: 'x'.repeat(1_000_000), n: ++asked });
    } finally {
      resolve('returned');
    }
  });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
  await once(socket, 'data');
  socket.pause();
  const stalled = async () => {
    const before = asked;
    await new Promise(setImmediate);
    return asked - before;
  };
  await expect.poll(stalled).toBe(0);
  expect(asked).toBeLessThan(100);
  socket.destroy();
  expect(await ended).toBe('returned');
});

/** Streams over HTTP, held to the real clients: graphql-sse, Apollo Client's HttpLink; and its GraphQLWsLink. */
import { CombinedProtocolErrors, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient as createSocketClient } from 'graphql-ws';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { apollo, ask, channel, follow, live, multipart, open, sse, started, tick, url, useStreamingServer } from '../testing/streaming-server.ts';

useStreamingServer();

describe('Server-Sent Events, with the graphql-sse client', () => {
  test('a subscription, until the client leaves', async () => {
    const answers = sse().iterate({ query: live });
    const first = answers.next();
    await channel.waiting(1);
    channel.publish(tick('1'));
    expect((await first).value).toEqual({ data: { ticked: { at: '1' } } });
    await channel.waiting(1);
    channel.publish(tick('2 – “ä”'));
    expect((await answers.next()).value).toEqual({ data: { ticked: { at: '2 – “ä”' } } });
    await answers.return?.();
    await channel.opened(0);
    expect(started.gateway.liveGroups()).toBe(0);
  });
  test('queries and mutations: one answer, and complete', async () => {
    const answers = sse().iterate({ query: '{ now }' });
    expect([(await answers.next()).value, (await answers.next()).done]).toEqual([{ data: { now: 'noon' } }, true]);
    expect((await sse().iterate({ query: 'mutation { wind }' }).next()).value).toEqual({ data: { wind: 1 } });
  });
  test('what is refused comes as an answer, as the protocol wants', async () => {
    for (const query of ['{ nothing }', 'subscription { nothing }']) {
      const answers = sse().iterate({ query });
      expect([(await answers.next()).value, (await answers.next()).done]).toMatchObject([{ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }, true]);
    }
  });
  test('a source that fails: its error, and complete', async () => {
    const answers = sse().iterate({ query: live });
    const first = answers.next();
    await channel.waiting(1);
    channel.fail(new Error('secret'));
    expect([(await first).value, (await answers.next()).done]).toMatchObject([{ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] }, true]);
  });
  test('by GET, as EventSource asks; but no mutation', async () => {
    const get = (query: string) => fetch(`${url}?query=${encodeURIComponent(query)}`, { headers: { accept: 'text/event-stream' } });
    expect(await (await get('{ now }')).text()).toContain('event: next\ndata: {"data":{"now":"noon"}}\n\nevent: complete\ndata: \n\n');
    expect((await get('mutation { wind }')).status).toBe(405);
    expect((await fetch(`${url}?query=${encodeURIComponent(live)}`)).status, 'a subscription that would come in one piece').toBe(405);
  });
  test('a bad key is 401', async () => {
    await expect(sse({ authorization: 'Bearer IPK_wrong' }).iterate({ query: '{ now }' }).next()).rejects.toMatchObject({ response: { status: 401 } });
  });
  test('a client that takes JSON rather gets JSON', async () => {
    expect((await ask('application/json, text/event-stream', '{ now }')).headers.get('content-type')).toContain('application/json');
    expect((await ask('application/json;q=0.5, text/event-stream', '{ now }')).headers.get('content-type')).toContain('text/event-stream');
  });
});

describe('multipart subscriptions, with Apollo Client', () => {
  test('a subscription, until the client leaves', async () => {
    const told = follow(apollo());
    await channel.waiting(1);
    channel.publish(tick('1'));
    await channel.waiting(1);
    channel.publish(tick('2'));
    await expect.poll(() => told.data).toMatchObject([{ ticked: { at: '1' } }, { ticked: { at: '2' } }]);
    told.leave();
    await channel.opened(0);
  });
  test('what is refused comes in one piece', async () => {
    const refused = await ask(multipart, 'subscription { nothing }');
    expect(refused.headers.get('content-type')).toContain('application/json');
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });
  test('a source that fails ends the subscription with an error of the protocol', async () => {
    const told = follow(apollo());
    await channel.waiting(1);
    channel.fail(new Error('secret'));
    await told.done;
    expect(told.errors[0]).toBeInstanceOf(CombinedProtocolErrors);
    expect(told.errors[0]).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
  });
  test('queries are answered as ever', async () => {
    expect((await apollo().query({ query: gql('{ now }') })).data).toEqual({ now: 'noon' });
    expect((await ask(multipart, '{ now }')).headers.get('content-type')).toContain('application/json');
  });
  test('its bytes: delimiters with each part, the content type, signs of life', async () => {
    const abort = new AbortController();
    const response = await ask(multipart, live, {}, abort.signal);
    expect(response.headers.get('content-type')).toBe('multipart/mixed;boundary="-";subscriptionSpec=1.0');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('{}')) text += (await reader?.read())?.value ?? '';
    expect(text).toMatch(/^\r\n---\r\ncontent-type: application\/json; charset=utf-8\r\n\r\n\{\}\r\n---/);
    abort.abort();
  });
});

test('subscriptions over WebSocket, with Apollo Client', async () => {
  const client = createSocketClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });
  open.add(() => client.dispose());
  const told = follow(apollo(new GraphQLWsLink(client) as never));
  await channel.waiting(1);
  channel.publish(tick('1'));
  await expect.poll(() => told.data).toMatchObject([{ ticked: { at: '1' } }]);
  told.leave();
  await channel.opened(0);
});

/**
 * The bus carries hints between processes: "look again". Whatever must not be lost is in the event log; a message
 * that gets lost here costs a moment, never an event.
 */
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './logging.ts';

/** The closed map of topics. */
export type BusMessages = {
  /** The event log grew. */
  'events.appended': { cursor: string };
  /** What this API key may do has changed; it may be gone. */
  'key.changed': { keyId: string };
  /** The operations that are published for this client have changed. */
  'operations.changed': { client: string };
};
export type Topic = keyof BusMessages;

export type Bus = AsyncDisposable & {
  publish<T extends Topic>(topic: T, message: BusMessages[T]): void;
  /** Answers a function that ends the subscription. */
  subscribe<T extends Topic>(topic: T, listener: (message: BusMessages[T]) => void): () => void;
};

type Listeners = Map<Topic, Set<(message: never) => void>>;

const add = <T extends Topic>(listeners: Listeners, topic: T, listener: (message: BusMessages[T]) => void): (() => void) => {
  const set = listeners.get(topic) ?? new Set();
  listeners.set(topic, set.add(listener));
  return () => set.delete(listener);
};

const tell = (listeners: Listeners, topic: Topic, message: unknown): void => {
  for (const listener of [...(listeners.get(topic) ?? [])]) listener(message as never);
};

export const createMemoryBus = (): Bus => {
  const listeners: Listeners = new Map();
  return {
    publish: (topic, message) => queueMicrotask(() => tell(listeners, topic, message)),
    subscribe: (topic, listener) => add(listeners, topic, listener),
    [Symbol.asyncDispose]: async () => listeners.clear(),
  };
};

const channel = (topic: Topic): string => `eventgraph:${topic}`;

export const createRedisBus = async (url: string, logger: Logger): Promise<Bus> => {
  const listeners: Listeners = new Map();
  const [publisher, subscriber] = [await connectRedis(url, logger), await connectRedis(url, logger)];
  const topics: readonly Topic[] = ['events.appended', 'key.changed', 'operations.changed'];
  subscriber.on('message', (name: string, text: string) => {
    const topic = topics.find((each) => channel(each) === name);
    if (topic) tell(listeners, topic, JSON.parse(text));
  });
  await subscriber.subscribe(...topics.map(channel));
  return {
    publish(topic, message) {
      publisher.publish(channel(topic), JSON.stringify(message)).catch((error: unknown) => logger.warn({ err: error, topic }, 'bus message lost'));
    },
    subscribe: (topic, listener) => add(listeners, topic, listener),
    async [Symbol.asyncDispose]() {
      listeners.clear();
      await Promise.all([publisher.quit().catch(() => publisher.disconnect()), subscriber.quit().catch(() => subscriber.disconnect())]);
    },
  };
};

/** A connection that came up once and then reconnects for ever; the first failure to connect is thrown. */
export const connectRedis = async (url: string, logger: Logger, options: RedisOptions = {}): Promise<Redis> => {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 2, enableOfflineQueue: true, ...options });
  redis.on('error', (error) => logger.debug({ err: error }, 'redis connection'));
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return redis;
};

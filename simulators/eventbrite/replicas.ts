/**
 * Reads that lag behind writes. Each write reaches each replica after a lag of its own, and each request is answered
 * by some replica: so a read may miss what was just written, and be older than the read before it.
 */
import type { Random } from '#simulators/gatekeeper/random.ts';

export type LagOptions = {
  /** Longest lag, in milliseconds. Eventbrite: mostly under 15 s, up to 5 minutes. 0: none. */
  longestMs: number;
};

export type Replicas<T> = {
  write(id: string, value: T): void;
  /** As if it had been written long ago. */
  writeEverywhere(id: string, value: T): void;
  /** As it was written last. */
  written(id: string): T | undefined;
  all(): readonly T[];
  /** What this replica knows by now, in the order in which things were first written. */
  read(replica: number): readonly T[];
};

export const replicaCount = 3;

type Version<T> = { readonly value: T; /** By replica: when it gets there. */ readonly arrives: readonly number[] };

export const createReplicas = <T>({ now, random, lag }: { readonly now: () => number; readonly random: Random; readonly lag: LagOptions }): Replicas<T> => {
  const versions = new Map<string, Version<T>[]>();
  const newest = <V>(list: readonly V[], which: (each: V) => boolean): V | undefined => list.findLast(which);
  const add = (id: string, value: T, arrives: readonly number[]): void => {
    const known = versions.get(id) ?? [];
    // What every replica has got past is asked for no more.
    const past = known.findLastIndex((each) => each.arrives.every((at) => at <= now()));
    versions.set(id, [...known.slice(Math.max(0, past)), { value, arrives }]);
  };
  return {
    write: (id, value) => add(id, value, Array.from({ length: replicaCount }, () => now() + random.next() * lag.longestMs)),
    writeEverywhere: (id, value) => add(id, value, Array.from({ length: replicaCount }, () => now())),
    written: (id) => versions.get(id)?.at(-1)?.value,
    all: () => [...versions.values()].flatMap((list) => list.at(-1)?.value ?? []),
    read: (replica) => [...versions.values()].flatMap((list) => newest(list, ({ arrives }) => (arrives[replica] ?? 0) <= now())?.value ?? []),
  };
};

/**
 * Which engine serves now, and how long an older one is needed: each request and subscription holds a lease, and an
 * engine that was replaced lets go of its data sources with its last lease.
 */
import type { DataSource } from './sources/data-source.ts';
import { type Engine, type EngineOptions, createEngine } from './engine.ts';

/** `id` tells engines apart: 1 for the first, and one more after each reload. */
export type Lease = { readonly engine: Engine; readonly id: number; release(): void };

export type EngineHolder = {
  current(): Engine;
  lease(): Lease;
  /** Throws `SUPERGRAPH_INVALID`; the engine that serves then stays. */
  replace(sdl: string): void;
  onReplaced(listener: () => void): () => void;
  dispose(): Promise<void>;
};

type Held = { readonly id: number; readonly engine: Engine; readonly keys: readonly string[]; leases: number; isRetired: boolean };

export const createEngineHolder = (sdl: string, open: (name: string, url: string) => DataSource, options: EngineOptions): EngineHolder => {
  const sources = createSourceRegistry(open);
  const listeners = new Set<() => void>();
  let loaded = 0;

  const load = (text: string): Held => {
    const keys: string[] = [];
    try {
      const engine = createEngine(text, (name, url) => sources.acquire(name, url, keys), options);
      return { id: ++loaded, engine, keys, leases: 0, isRetired: false };
    } catch (error) {
      sources.release(keys);
      throw error;
    }
  };
  const retire = (old: Held) => {
    old.isRetired = true;
    if (old.leases === 0) sources.release(old.keys);
  };

  let held = load(sdl);
  return {
    current: () => held.engine,
    lease() {
      const mine = held;
      let isReleased = false;
      mine.leases++;
      return {
        engine: mine.engine,
        id: mine.id,
        release() {
          if (isReleased) return;
          isReleased = true;
          mine.leases--;
          if (mine.isRetired && mine.leases === 0) sources.release(mine.keys);
        },
      };
    },
    replace(text) {
      const next = load(text);
      const old = held;
      held = next;
      retire(old);
      for (const listener of [...listeners]) listener();
    },
    onReplaced(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async dispose() {
      retire(held);
      listeners.clear();
      await sources.close();
    },
  };
};

type SourceRegistry = {
  acquire(name: string, url: string, keys: string[]): DataSource;
  release(keys: readonly string[]): void;
  close(): Promise<void>;
};

/** A subgraph that is the same before and after a reload keeps its connections. */
const createSourceRegistry = (open: (name: string, url: string) => DataSource): SourceRegistry => {
  const entries = new Map<string, { readonly source: DataSource; uses: number }>();
  const closing = new Set<Promise<void>>();
  const close = (source: DataSource): void => {
    const closed: Promise<void> = Promise.resolve(source.close?.()).finally(() => closing.delete(closed));
    closing.add(closed);
  };
  return {
    acquire(name, url, keys) {
      const key = `${name}\n${url}`;
      const entry = entries.get(key) ?? { source: open(name, url), uses: 0 };
      entry.uses++;
      entries.set(key, entry);
      keys.push(key);
      return entry.source;
    },
    release(keys) {
      for (const key of keys) {
        const entry = entries.get(key);
        if (!entry || --entry.uses > 0) continue;
        entries.delete(key);
        close(entry.source);
      }
    },
    async close() {
      for (const { source } of entries.values()) close(source);
      entries.clear();
      await Promise.all(closing);
    },
  };
};

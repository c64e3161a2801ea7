/** What can be counted about the requests to one subgraph. Each member is called at once and must not throw. */
export type CircuitState = 'closed' | 'open' | 'half-open';

export type FetchObserver = {
  /** A caller's fetch ended: `code` is null for an answer, else why there is none. */
  fetched?(fetch: { readonly kind: 'query' | 'mutation'; readonly code: string | null; readonly ms: number }): void;
  /** A fetch takes the answer of one under way. */
  shared?(): void;
  retried?(): void;
  hedged?(): void;
  /** A fetch was turned away because too many were waiting. */
  shed?(): void;
  circuit?(state: CircuitState): void;
};

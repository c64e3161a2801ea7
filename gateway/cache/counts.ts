/** What is counted of the cache: whole answers, and entities as subgraphs answer them. */
export class KindCounts {
  hits = 0;
  misses = 0;
  stores = 0;
  /** Read, and not kept: something that they were made from changed meanwhile, or the cache was away. */
  refusals = 0;
}

export class CacheCounts {
  readonly answers = new KindCounts();
  readonly entities = new KindCounts();
}

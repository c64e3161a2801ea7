/** Operations that clients published to be run by id: kept by one subgraph, run by the gateway. */

export type PublishedOperation = {
  /** Name of the client that may run it. */
  readonly client: string;
  /** SHA-256 of the body, or what the client calls it. */
  readonly id: string;
  readonly name: string;
  readonly type: 'query' | 'mutation' | 'subscription';
  /** The document: one operation and its fragments. */
  readonly body: string;
};

export type PublishedOperations = {
  of(client: string): Promise<readonly PublishedOperation[]>;
  /** Of all clients. */
  all(): Promise<readonly PublishedOperation[]>;
};

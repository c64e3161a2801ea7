/**
 * What is open for long, over whatever transport: sockets and streamed responses. A credential that was revoked, that
 * expires or that does not hold any more takes them with it, and so does the end of the server.
 */
import { UnauthenticatedError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';
import type { Viewer } from '#core/viewer.ts';
import type { Identify } from './credentials.ts';

export type Ending = 'forbidden' | 'going-away';

/** How one connection ends: tells the other side why, and cuts it off if it does not take that within so many milliseconds. */
export type End = (why: Ending, withinMs: number) => void;

export type LiveConnection = {
  readonly viewer: Viewer | null;
  readonly credential: string | null;
  /** From here on it ends with its credential. */
  admit(viewer: Viewer, credential: string | null): void;
  /** It has closed. */
  gone(): void;
};

export type LiveConnections = {
  add(end: End): LiveConnection;
  endViewers(predicate: (viewer: Viewer) => boolean): void;
  readonly isClosing: boolean;
  /** How many are open. */
  readonly size: number;
  /** Tells every client that the server goes away and waits until they have gone, at most so long. */
  close(withinMs: number): Promise<void>;
};

export type LiveConnectionsOptions = {
  readonly identify: Identify;
  readonly logger: Logger;
  /** Milliseconds between checks that the credentials of open connections still hold. */
  readonly recheckMs?: number | undefined;
};

/** What a client has to take the end, in milliseconds. */
const endWithinMs = 1_000;

type Held = LiveConnection & { readonly end: End; readonly closed: (() => void)[] };

export const createLiveConnections = ({ identify, logger, recheckMs = 5_000 }: LiveConnectionsOptions): LiveConnections => {
  const held = new Set<Held>();
  let isClosing = false;

  /** Ends the connections of a credential that does not hold; whoever cannot be asked now is asked the next time. */
  const recheck = async (credential: string): Promise<void> => {
    try {
      await identify(credential);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) return logger.warn({ err: error }, 'the credentials of open connections could not be checked');
      for (const each of held) if (each.credential === credential) each.end('forbidden', endWithinMs);
    }
  };
  // The word that a key was revoked can get lost or come while its connection is admitted: so the keys are asked for again.
  const timer = setInterval(() => {
    const credentials = new Set<string>();
    for (const { credential } of held) if (credential !== null) credentials.add(credential);
    for (const credential of credentials) void recheck(credential);
  }, recheckMs).unref();

  return {
    add(end) {
      const connection = new HeldConnection(end, held, recheck);
      held.add(connection);
      return connection;
    },
    endViewers(predicate) {
      for (const { viewer, end } of held) if (viewer && predicate(viewer)) end('forbidden', endWithinMs);
    },
    get isClosing() {
      return isClosing;
    },
    get size() {
      return held.size;
    },
    async close(withinMs) {
      isClosing = true;
      clearInterval(timer);
      const closed = [...held].map((each) => new Promise<void>((resolve) => each.closed.push(resolve)));
      for (const { end } of [...held]) end('going-away', withinMs);
      await Promise.all(closed);
    },
  };
};

class HeldConnection implements Held {
  viewer: Viewer | null = null;
  credential: string | null = null;
  readonly end: End;
  readonly closed: (() => void)[] = [];
  readonly #all: Set<Held>;
  readonly #recheck: (credential: string) => Promise<void>;
  #expiry: NodeJS.Timeout | null = null;

  constructor(end: End, all: Set<Held>, recheck: (credential: string) => Promise<void>) {
    this.end = end;
    this.#all = all;
    this.#recheck = recheck;
  }

  admit(viewer: Viewer, credential: string | null): void {
    if (!this.#all.has(this)) return; // it closed while it was asked who it is
    this.viewer = viewer;
    this.credential = credential;
    // From here on it hears of a revocation; one that came between is found by asking once more.
    if (credential !== null) void this.#recheck(credential);
    if (viewer.expiresAt) this.#endAt(viewer.expiresAt);
  }

  gone(): void {
    if (this.#expiry) clearTimeout(this.#expiry);
    this.#all.delete(this);
    for (const resolve of this.closed) resolve();
  }

  #endAt(time: Date): void {
    const left = time.getTime() - Date.now();
    const isReached = left <= longestTimer;
    this.#expiry = setTimeout(() => (isReached ? this.end('forbidden', endWithinMs) : this.#endAt(time)), isReached ? Math.max(0, left) : longestTimer);
  }
}

/** The longest wait of setTimeout, in milliseconds; a longer one is cut and waited for again. */
const longestTimer = 2_147_483_647;

/**
 * What subgraphs are told of a viewer, signed once for all requests of some seconds. Signatures are good for a minute;
 * they are kept for a third of it, as a request may wait for its turn before it is sent.
 */
import { LRUCache } from 'lru-cache';
import { type Viewer, serializeViewer } from '#core/viewer.ts';

export type Pass = {
  /** Equal for viewers of whom subgraphs are told the same, and for no others. */
  readonly id: number;
  /** Whose turn it is when requests wait: the key, however many clients use it. */
  readonly party: string;
  /** Text where it is at hand. A failure is not kept. */
  signature(): string | Promise<string>;
};

export type SignViewer = (viewer: Viewer) => Promise<string> | string;

const keptForMs = 20_000;
const maxKept = 10_000;

export const createViewerPasses = (sign: SignViewer, now: () => number = Date.now): ((viewer: Viewer) => Pass) => {
  const byViewer = new WeakMap<Viewer, Pass>();
  const byContent = new LRUCache<string, Pass>({ max: maxKept });
  let made = 0;
  return (viewer) => {
    const known = byViewer.get(viewer);
    if (known) return known;
    const content = JSON.stringify(serializeViewer(viewer));
    const pass = byContent.get(content) ?? createPass(++made, viewer, sign, now);
    byContent.set(content, pass);
    byViewer.set(viewer, pass);
    return pass;
  };
};

const createPass = (id: number, viewer: Viewer, sign: SignViewer, now: () => number): Pass => {
  let signed: string | Promise<string> = '';
  let freshUntil = -Infinity;
  return {
    id,
    party: viewer.keyId ?? viewer.kind,
    signature() {
      if (now() < freshUntil) return signed;
      signed = sign(viewer);
      freshUntil = now() + keptForMs;
      if (typeof signed === 'string') return signed;
      const asked = signed;
      asked.then(
        (text) => signed === asked && (signed = text),
        () => signed === asked && (freshUntil = -Infinity),
      );
      return asked;
    },
  };
};

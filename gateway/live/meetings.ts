/**
 * Where flows meet: those of one *meeting* have the same operation, variables and rights and read the same source, so that
 * two of them that stand at the same event can become one. The *main* flow of a meeting is the one that the others join.
 */
import type { Flow } from './flow.ts';

export type Meeting = {
  /** The flow told its members of its `last` event: it joins the main flow if that stands there too, or is joined. */
  told(flow: Flow): void;
  leave(flow: Flow): void;
};

export type Meetings = { enter(key: string, flow: Flow): Meeting };

export const createMeetings = (): Meetings => {
  const meetings = new Map<string, OpenMeeting>();
  return {
    enter(key, flow) {
      let meeting = meetings.get(key);
      if (!meeting) meetings.set(key, (meeting = new OpenMeeting(() => meetings.delete(key))));
      meeting.flows.add(flow);
      return meeting;
    },
  };
};

class OpenMeeting implements Meeting {
  readonly flows = new Set<Flow>();
  #main: Flow | null = null;
  readonly #forget: () => void;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  told(flow: Flow): void {
    // Before that, what follows depends on how the flow began.
    if (!flow.last?.continue) return;
    const main = this.#main;
    if (main && main !== flow && standTogether(main, flow)) return flow.joinInto(main);
    // A main flow that nobody reads right now would keep everybody else apart.
    if (!main?.isPumping) this.#main = flow;
    if (this.#main !== flow) return;
    for (const other of this.flows) if (other !== flow && standTogether(other, flow)) other.joinInto(flow);
  }

  leave(flow: Flow): void {
    this.flows.delete(flow);
    if (this.#main === flow) this.#main = null;
    if (this.flows.size === 0) this.#forget();
  }
}

const standTogether = (one: Flow, other: Flow): boolean => one.last !== null && one.last.key === other.last?.key && one.last.continue !== undefined && other.last.continue !== undefined;

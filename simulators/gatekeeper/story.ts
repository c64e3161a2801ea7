/**
 * Plays the steps of a story at their times; what one brings about is played later. What is due when it begins, as in a
 * story that goes on after a new start, is played before anybody can ask: nobody sees a story that is behind its time.
 */
import type { ScenarioClock } from './clock.ts';

export type Step = { /** Scenario time. */ readonly at: number; readonly play: () => readonly Step[] | void };

export type Story = { stop(): void };

/** `beginning` brings about what is there when the story begins, and answers the first steps. */
export const playStory = (clock: ScenarioClock, beginning: () => readonly Step[]): Story => {
  const steps: Step[] = [];
  /** The next one stands last. */
  const add = (more: readonly Step[]): void => {
    if (more.length === 0) return;
    steps.push(...more);
    steps.sort((a, b) => b.at - a.at);
  };
  let cancel = (): void => undefined;
  const playDue = (): void => {
    for (;;) {
      const due = steps.at(-1);
      if (!due) return;
      const at = clock.wallOf(due.at);
      if (at > clock.wall.now()) return void (cancel = clock.wall.schedule(at, playDue));
      steps.pop();
      add(clock.during(due.at, due.play) ?? []);
    }
  };
  add(clock.during(clock.begin, beginning));
  playDue();
  return { stop: () => cancel() };
};

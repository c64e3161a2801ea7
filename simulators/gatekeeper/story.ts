/**
 * Plays the steps of a story at their times; what one brings about is played later. What is due when it begins, as in a
 * story that goes on after a new start, is played before anybody can ask: nobody sees a story that is behind its time.
 */
import type { ScenarioClock } from './clock.ts';

export type Step = { /** Scenario time. */ readonly at: number; readonly play: () => readonly Step[] | void };

export type Story = { stop(): void };

/** `beginning` brings about what is there when the story begins, and answers the first steps. */
export const playStory = (clock: ScenarioClock, beginning: () => readonly Step[]): Story => {
  const steps = [...clock.during(clock.begin, beginning)];
  let cancel = (): void => undefined;
  const playDue = (): void => {
    for (;;) {
      const due = steps.sort((a, b) => b.at - a.at).at(-1);
      if (!due) return;
      const at = clock.wallOf(due.at);
      if (at > clock.wall.now()) return void (cancel = clock.wall.schedule(at, playDue));
      steps.pop();
      steps.push(...(clock.during(due.at, due.play) ?? []));
    }
  };
  playDue();
  return { stop: () => cancel() };
};

/** Plays the steps of a story at their times; what one brings about is played later. */
import type { ScenarioClock } from './clock.ts';

export type Step = { /** Scenario time. */ readonly at: number; readonly play: () => readonly Step[] | void };

export type Story = { stop(): void };

export const playStory = (clock: ScenarioClock, first: readonly Step[]): Story => {
  const steps = [...first];
  let cancel = (): void => undefined;
  const next = (): void => {
    steps.sort((a, b) => b.at - a.at);
    const due = steps.at(-1);
    if (!due) return;
    cancel = clock.wall.schedule(clock.wallOf(due.at), () => {
      steps.pop();
      steps.push(...(due.play() ?? []));
      next();
    });
  };
  next();
  return { stop: () => cancel() };
};

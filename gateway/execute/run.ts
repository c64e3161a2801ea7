/** Runs the steps of a plan over the objects of the answer. */
import type { Step } from '../plan/plan.ts';
import type { Execution, Target } from './context.ts';
import { runFetch } from './fetch.ts';
import { findTargets } from './targets.ts';

/** Never rejects: errors are collected in the execution. */
export const runStep = async (execution: Execution, step: Step, targets: readonly Target[]): Promise<void> => {
  switch (step.kind) {
    case 'fetch':
      return runFetch(execution, step, targets);
    case 'flatten':
      return runStep(execution, step.step, findTargets(targets, step.path, execution.matchesType));
    case 'sequence':
      for (const part of step.steps) await runStep(execution, part, targets);
      return;
    case 'parallel':
      await Promise.all(step.steps.map((part) => runStep(execution, part, targets)));
      return;
    case 'condition': {
      const branch = execution.variables[step.variable] === true ? step.then : step.otherwise;
      if (branch) await runStep(execution, branch, targets);
    }
  }
};

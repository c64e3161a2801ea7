/** What takes longest begins first, or one worker would end with it while the other has nothing left to do. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const rank = ({ moduleId }: TestSpecification): number => (/\.e2e\.ts$/.test(moduleId) ? 0 : /\.property\.test\.ts$/.test(moduleId) ? 1 : 2);

/** Processes of their own, then properties, then the rest as Vitest orders it. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

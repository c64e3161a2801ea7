/** The built explorer's folder, where it was built (`npm run build:explorer`). */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './subgraphs.ts';

export const builtExplorer = async (): Promise<string | null> => {
  const folder = join(root, 'explorer', 'dist');
  return access(join(folder, 'index.html')).then(() => folder, () => null);
};

/** Installs the real pretix before the files that need it start, all at once. */
import { installPretix } from './scripts/pretix/install.ts';

export default (): Promise<void> => installPretix((line) => console.error(line));

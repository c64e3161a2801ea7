import { startPretix } from '#scripts/pretix/pretix.ts';
import { describePretixContract } from '#simulators/pretix/contract.ts';

describePretixContract('pretix, real', () => startPretix({ log: (line) => console.error(line) }));

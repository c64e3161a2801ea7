import { createPretixSimulator } from './index.ts';
import { describePretixContract } from './contract.ts';
import { contractPlan } from './plans.ts';

describePretixContract('pretix, simulated', () => createPretixSimulator({ plan: contractPlan, requestsPerMinute: null }));

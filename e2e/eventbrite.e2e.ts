import { ConfigError } from '#core/errors.ts';
import { describeEventbriteContract } from '#simulators/eventbrite/contract.ts';

const given = (variable: string): string => {
  const value = process.env[variable];
  if (!value) throw new ConfigError(`Set ${variable}: see subgraphs/eventbrite/README.md.`, { variable });
  return value;
};

describeEventbriteContract('Eventbrite, real', () =>
  Promise.resolve({ url: process.env.EVENTBRITE_URL ?? 'https://www.eventbriteapi.com', token: given('EVENTBRITE_TOKEN'), organizationId: given('EVENTBRITE_ORGANIZATION_ID'), [Symbol.asyncDispose]: () => Promise.resolve() }),
);

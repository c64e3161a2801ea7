import type { Connection } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { readActivities, userScope } from './domain.ts';
import type { Resolvers } from './generated/types.ts';
import { take } from './inbox.ts';
import type { Purchase } from './purchase.ts';
import { type ActivityRow, searchActivities } from './store.ts';

export type Context = SubgraphContext;
export type ActivityParent = ActivityRow;
export type ActivityConnectionParent = Connection<ActivityRow>;
export type ActivityPurchaseParent = Purchase;

export const resolvers: Resolvers = {
  Query: {
    activities: (_parent, { userId, ...page }, { em, hub, viewer }) => searchActivities(em, viewer, { ...page, participant: hub.secrets.hashParticipant(userScope, userId) }),
  },
  Mutation: {
    async collectActivity(_parent, { input }, { hub, viewer }) {
      const { secrets } = hub;
      const { taken, warnings, userErrors } = readActivities(input.activities, { viewer, now: hub.now(), hashUser: (userId) => secrets.hashParticipant(userScope, userId), encrypt: (text) => secrets.encrypt(text) });
      if (taken.length > 0) await take(hub, taken);
      return { accepted: taken.length, warnings, userErrors };
    },
  },
  Activity: {
    parameters: ({ parameters }, _args, { hub }) => JSON.parse(hub.secrets.decrypt(parameters)) as unknown,
    event: ({ eventId }) => (eventId === null ? null : { id: eventId }),
  },
  ActivityPurchase: { price: ({ amount, currency }) => ({ amount, currency }) },
  ActivityConnection: { totalCount: (connection) => connection.totalCount() },
};

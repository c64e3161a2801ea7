/** Orders that were rejected, tried again. What else can be rejected is read anew by every pull, or every ten minutes. */
import type { Rejected } from '#core/connector.ts';
import type { Fact } from '#core/facts.ts';
import { accepted, orderFacts } from './connector-facts.ts';
import type { PretixContext } from './connector-settings.ts';
import { parseRows, rows } from './upstream.ts';

export const translateAgain = ({ service, hashParticipant, now }: PretixContext, records: readonly Rejected[]): { facts: Fact[]; rejected: Rejected[] } => {
  const orders = records.filter(({ upstreamId }) => upstreamId.startsWith(`${rows.order.name}:`));
  const others = records.filter((each) => !orders.includes(each));
  const read = parseRows(orders.map(({ raw }) => raw), rows.order);
  const facts = read.rows.flatMap((order) => (order.event === undefined ? [] : orderFacts(order, order.event, service.settings, hashParticipant, now())));
  const checked = accepted(facts);
  return { facts: checked.facts, rejected: [...others, ...read.rejected, ...checked.rejected] };
};

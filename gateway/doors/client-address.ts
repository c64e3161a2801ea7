/**
 * Where a request comes from. Behind a balancer that is said by `X-Forwarded-For`, which everybody can write: it is read
 * from its end, as far as those who wrote it are trusted, and not at all unless configured.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { TrustProxy } from '#core/config-limits.ts';

/** Whether who stands at `address`, so many steps from here, tells the truth about who stands behind. */
export type Trusts = (address: string, hop: number) => boolean;

/** Of a number: so many balancers; otherwise those at these addresses. */
export const trustsOf = (setting: TrustProxy | undefined): Trusts => {
  if (setting === undefined) return () => false;
  if (typeof setting === 'number') return (_, hop) => hop < setting;
  const list = new BlockList();
  for (const each of setting) {
    const [address = '', bits] = each.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
};

export const addressOf = ({ socket: { remoteAddress = '' }, headers }: Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string | undefined } }, trusts: Trusts): string => {
  const forwarded = headers['x-forwarded-for'];
  const steps = [remoteAddress, ...(forwarded === undefined ? [] : String(forwarded).split(',').map((step) => step.trim()).reverse())];
  const first = steps.findIndex((step, hop) => !trusts(step, hop));
  return steps[first === -1 ? steps.length - 1 : first] ?? remoteAddress;
};

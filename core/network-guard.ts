/**
 * No URL given by a user may lead the hub to a private address, unless the hub is configured so.
 *
 * Names are checked when they are resolved for the very connection that is made, so a name that answers a public
 * address first and a private one later (DNS rebinding) is refused too.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { UpstreamError } from './errors.ts';

/** Special-purpose ranges of the IANA registries (RFC 6890 and successors) that are not the public internet. */
const forbidden = new BlockList();
for (const [network, prefix] of [['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4]] as const)
  forbidden.addSubnet(network, prefix, 'ipv4');
// Among them the forms that carry an IPv4 address inside (::/96, NAT64, Teredo, 6to4): nobody needs them to reach a public one.
for (const [network, prefix] of [['::', 96], ['64:ff9b::', 96], ['64:ff9b:1::', 48], ['100::', 64], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8]] as const)
  forbidden.addSubnet(network, prefix, 'ipv6');

export const isForbiddenAddress = (address: string): boolean => {
  const family = isIP(address);
  if (family === 0) return true;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return forbidden.check(mapped, 'ipv4');
  return forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4');
};

const refusal = (host: string) =>
  new UpstreamError('forbidden_address', `${host} is a private address. Set EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS=true to let the hub call addresses of its own network.`, { host });

/** Checks what can be seen without resolving: the scheme, and hosts that are written as addresses. */
export const refuseForbiddenAddress = (url: URL, allowPrivate: boolean): void => {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new UpstreamError('forbidden_address', `Only http and https URLs can be called, not ${url.protocol}`, { scheme: url.protocol });
  if (allowPrivate) return;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isForbiddenAddress(host)) throw refusal(host);
};

/** A `lookup` for sockets that refuses names which resolve to any forbidden address. */
export const guardedLookup =
  (allowPrivate: boolean): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const bad = allowPrivate ? undefined : addresses.find(({ address }) => isForbiddenAddress(address));
      if (bad || !addresses[0]) return callback(refusal(hostname), '', 0);
      if (options.all) return (callback as (error: null, all: typeof addresses) => void)(null, addresses);
      callback(null, addresses[0].address, addresses[0].family);
    });
  };

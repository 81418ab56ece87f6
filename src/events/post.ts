/** Sends an event to an address that somebody else has chosen: never to a private one unless allowed, and without following redirects. */
import { lookup as resolve, type LookupAddress } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isLoopbackHost } from '../contract/loopback.js';

/** In this machine's own networks, or reserved (IANA special-purpose registries). */
const reserved = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  reserved.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
] as const)
  reserved.addSubnet(network, prefix, 'ipv6');

/** An address of this machine, of a private network, or otherwise not of the public internet. */
export const isPrivate = (address: string): boolean => reserved.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

export interface Reach {
  /** Private addresses are allowed. */
  allowPrivate: boolean;
  /** Addresses of this machine are allowed: it is a developer's own. */
  allowLoopback: boolean;
}

const mayReach = (address: string, { allowPrivate, allowLoopback }: Reach): boolean =>
  allowPrivate || !isPrivate(address) || (allowLoopback && isLoopbackHost(address));

/** A name is resolved once, and that address is connected to: a second answer cannot lead elsewhere. */
function guardedLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) =>
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const allowed = error ? [] : addresses.filter(({ address }) => mayReach(address, reach));
      const [first] = allowed;
      if (error || !first) callback(error ?? privateAddress(hostname), '', 0);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
}

const privateAddress = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${hostname} has a private address, which is not allowed`), { code: 'PrivateAddress' });

/** How long an answer is waited for; ms. */
const requestTimeout = 10_000;

/** Returns the status of the answer. Throws if there is none. */
export function post(url: string, body: string, headers: Record<string, string>, reach: Reach): Promise<number> {
  const target = new URL(url);
  const hostname = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(hostname) && !mayReach(hostname, reach)) return Promise.reject(privateAddress(hostname));
  return new Promise((done, fail) => {
    const request = (target.protocol === 'https:' ? https : http).request(
      target,
      {
        method: 'POST',
        lookup: guardedLookup(reach),
        signal: AbortSignal.timeout(requestTimeout),
        agent: false,
        headers: { 'content-length': Buffer.byteLength(body), 'user-agent': 'closeout', ...headers },
      },
      (answer) => {
        answer.on('error', fail);
        answer.destroy(); // whatever it says, its status is enough
        done(answer.statusCode ?? 0);
      },
    );
    request.on('error', fail);
    request.on('close', () => fail(new Error('closed without an answer'))); // such as one that would switch protocols
    request.end(body);
  });
}

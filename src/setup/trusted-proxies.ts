import { isIP } from 'node:net';
import { z } from 'zod';

/** Names that Fastify knows. */
const names = ['loopback', 'linklocal', 'uniquelocal'];

function isProxy(proxy: string): boolean {
  const [address = '', prefix, ...rest] = proxy.split('/');
  const version = isIP(address);
  if (names.includes(proxy)) return true;
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/** Addresses and networks, separated by commas. */
export const trustedProxies = z
  .string()
  .default('')
  .transform((setting) => setting.split(',').map((proxy) => proxy.trim()))
  .transform((proxies) => proxies.filter(Boolean))
  .refine(
    (proxies) => proxies.every(isProxy),
    'must be IP addresses or networks, such as 10.0.0.0/8, separated by commas',
  );

/** The credentials of a request (RFC 9110 §11). */
import type { FastifyRequest } from 'fastify';

export interface Credentials {
  /** What was typed in a browser's log-in; a program sends none. */
  name?: string;
  token: string;
}

export function credentialsOf({
  headers: { authorization = '' },
}: Pick<FastifyRequest, 'headers'>): Credentials | undefined {
  const [, scheme = '', value = ''] = /^(\S+) +(.+)$/s.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return { token: value };
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const [, name = '', token = ''] = /^([^:]*)(?::(.*))?$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return { name, token };
}

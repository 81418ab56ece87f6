/** Who may see what: everything but the customer's pages and liveness needs the token, unless only this machine can ask. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.js';
import { CloseoutError } from '../contract/errors.js';

const isOpenToAll = (path: string) => /^\/(s|u|c|assets)\//.test(path) || path === '/healthz' || path === '/readyz';
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]', '::1']);

export function guard({ http, apiToken }: Config) {
  const publicHost = new URL(http.publicUrl).hostname;
  const onlyLocal = loopback.has(http.host) && loopback.has(publicHost);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (isOpenToAll(request.url.split('?')[0] ?? '')) return;
    if (onlyLocal && loopback.has(request.hostname)) return; // a foreign Host would be a page that rebinds its name to us
    if (tokenOf(request).some((given) => isSame(given, apiToken))) return;
    // A browser's log-in: any name, the token as the password.
    reply.header('www-authenticate', 'Basic realm="Closeout", charset="UTF-8"');
    throw new CloseoutError(
      'Unauthorized',
      'Send "Authorization: Bearer TOKEN"; the token was printed at start or is CLOSEOUT_API_TOKEN.',
    );
  };
}

function tokenOf({ headers: { authorization = '' } }: FastifyRequest): string[] {
  const [scheme, value = ''] = authorization.split(' ');
  if (scheme === 'Bearer') return [value];
  if (scheme !== 'Basic') return [];
  return [
    Buffer.from(value, 'base64')
      .toString()
      .replace(/^[^:]*:/, ''),
  ];
}

const digest = (text: string) => createHash('sha256').update(text).digest();
const isSame = (a: string, b: string) => timingSafeEqual(digest(a), digest(b));

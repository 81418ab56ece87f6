/** The HTML part of a mail, for a frame of the outbox or the previews. */
import type { FastifyReply } from 'fastify';

/** Sends the HTML part of a mail, to be shown in a sandboxed frame. Its links open outside the frame. */
export function sendMailPart(reply: FastifyReply, part: string): FastifyReply {
  const sandbox = 'sandbox allow-popups allow-popups-to-escape-sandbox';
  return reply
    .header('content-security-policy', `default-src 'none'; style-src 'unsafe-inline'; ${sandbox}`)
    .header('x-frame-options', 'SAMEORIGIN')
    .type('text/html; charset=utf-8')
    .send(part.replace('<head>', '<head><base target="_blank">'));
}

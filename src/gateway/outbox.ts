/** `/outbox`: the mail that the local mailbox has received, newest first, as its reader would see it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { simpleParser } from 'mailparser';
import { CloseoutError } from '../contract/errors.js';
import { html } from '../views/render.js';
import { sendMailPart } from './mail-part.js';

const newest = 200;

export function outbox(app: FastifyInstance, dir: string): void {
  const names = async () =>
    (await readdir(dir))
      .filter((name) => name.endsWith('.eml'))
      .sort()
      .reverse();
  const read = async (name: string) => {
    if (!/^[\w-]+\.eml$/.test(name)) throw new CloseoutError('NotFound', 'There is no such mail.');
    return readFile(join(dir, name)).catch(() => {
      throw new CloseoutError('NotFound', 'There is no such mail.');
    });
  };
  const summary = async (name: string) => {
    const { messageId, to, subject, date } = await simpleParser(await read(name));
    return { id: name, messageId, to: Array.isArray(to) ? undefined : to?.text, subject, date };
  };

  app.get('/outbox', async (request, reply) => {
    const all = await names();
    const mails = await Promise.all(all.slice(0, newest).map(summary));
    if (request.headers.accept?.includes('application/json')) return { total: all.length, mails };
    return reply
      .type('text/html; charset=utf-8')
      .send(html.render('./outbox.html.eta', { mails, total: all.length, shown: newest }));
  });

  app.get<{ Params: { name: string } }>('/outbox/:name', async ({ params: { name } }, reply) => {
    const source = await read(name);
    const mail = await simpleParser(source);
    const view = {
      name,
      subject: mail.subject,
      text: mail.text,
      headers: mail.headerLines.map(({ line }) => line),
      hasHtml: Boolean(mail.html),
      source: source.toString(),
    };
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'")
      .type('text/html; charset=utf-8')
      .send(html.render('./outbox-mail.html.eta', view));
  });

  app.get<{ Params: { name: string } }>('/outbox/:name/html', async ({ params: { name } }, reply) => {
    const mail = await simpleParser(await read(name));
    return sendMailPart(reply, mail.html || '');
  });
}

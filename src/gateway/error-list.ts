/** `/errors`: what each code means; the `referenceError` of every error leads here. */
import type { FastifyInstance } from 'fastify';
import { errors } from '../contract/errors.js';
import { html } from '../views/render.js';

export function errorList(app: FastifyInstance): void {
  const rows = Object.entries(errors).map(([code, { http, retry, acts }]) => ({ code, http, retry, acts }));
  app.get('/errors', (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(html.render('./errors.html.eta', { rows })),
  );
}

/** `/assets/page.css`: the style sheet of all pages. */
import type { FastifyInstance } from 'fastify';
import { pageCss } from '../views/render.js';

export function assets(app: FastifyInstance): void {
  app.get('/assets/page.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(pageCss));
}

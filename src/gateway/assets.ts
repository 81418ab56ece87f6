/** `/assets/page.css` and `/assets/desk.css`: the style sheets of customers' pages and of operators'. */
import type { FastifyInstance } from 'fastify';
import { styles } from '../views/render.js';

export function assets(app: FastifyInstance): void {
  for (const [name, css] of Object.entries(styles))
    app.get(`/assets/${name}.css`, (_request, reply) => reply.type('text/css; charset=utf-8').send(css));
}

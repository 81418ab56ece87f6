/** `/assets/…`: the style sheets of customers' pages and of operators', and the colours and logo of each brand. */
import type { FastifyInstance } from 'fastify';
import { CloseoutError } from '../contract/errors.js';
import { brandCss, type Brands } from '../customer/brand.js';
import { styles } from '../views/render.js';

type BrandRoute = { Params: { id: string } };

export function assets(app: FastifyInstance, brands: Brands): void {
  for (const [name, css] of Object.entries(styles))
    app.get(`/assets/${name}.css`, (_request, reply) => reply.type('text/css; charset=utf-8').send(css));

  app.get<BrandRoute>('/assets/brands/:id/colours.css', ({ params }, reply) =>
    reply.type('text/css; charset=utf-8').send(brandCss(brands.of(params.id))),
  );

  app.get<BrandRoute>('/assets/brands/:id/logo', ({ params }, reply) => {
    const { logo } = brands.of(params.id);
    if (!logo) throw new CloseoutError('NotFound', 'This brand has no logo.');
    // An SVG may hold scripts; opened by itself, it must not run them.
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
      .type(logo.type)
      .send(logo.data);
  });
}

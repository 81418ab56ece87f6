/** Helpers of the pages that operators work with. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { now } from '../../client/clock.js';
import { unverified } from '../../contract/access.js';
import { exactTime, relativeTime } from '../../operator/times.js';
import { html } from '../../views/render.js';
import { credentialsOf } from '../credentials.js';

/** Renders a page of the desk; it loads no script, so a header reloads those that change by themselves. */
export function sendDesk(
  reply: FastifyReply,
  view: `./desk/${string}.html.eta`,
  data: { title: string; nav: 'overview' | 'reports' | 'other' } & Record<string, unknown>,
  code = 200,
): FastifyReply {
  const { subject, hasSession } = reply.request;
  return reply
    .code(code)
    .type('text/html; charset=utf-8')
    .send(
      html.render(view, {
        loggedInAs: hasSession && subject?.name,
        mayOperate: mayOperate(reply.request),
        ...data,
        time: timeElement,
      }),
    );
}

/** A time as HTML: relative, and exact on hover. */
function timeElement(time: Date | string | null | undefined): string {
  if (!time) return '';
  const iso = new Date(time).toISOString();
  return `<time datetime="${iso}" title="${exactTime(time)}">${relativeTime(time, now())}</time>`;
}

/** A person asks for a page of the desk. */
export const isForOperators = (request: FastifyRequest): boolean =>
  /^\/(reports\b|errors\b|outbox\b|login\b|logout\b|satisfaction\.csv\b|$|\?)/.test(request.url) && wantsPage(request);

/** A browser asks, not a program. */
export const wantsPage = ({ headers }: FastifyRequest): boolean => (headers.accept ?? '').includes('text/html');

/** The operator's own name, of the login or of the token; with the shared token, the name that was typed with it. */
export function operatorOf(request: FastifyRequest): string {
  if (request.subject) return request.subject.name;
  const name = credentialsOf(request)?.name?.trim();
  return name ? unverified(name.slice(0, 100)) : 'desk';
}

/** Viewers see no buttons. */
const mayOperate = ({ subject }: FastifyRequest): boolean => !subject || subject.scopes.includes('operate');

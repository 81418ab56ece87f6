/** `/reports`: the list behind every number. `/reports/{id}`: one report, its story, and what an operator can do. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { CloseoutClient } from '../../client.js';
import { CloseoutError, errors } from '../../contract/errors.js';
import { listedPhases, maxCounted, type ListedPhase } from '../../contract/reports.js';
import { timelineLine } from '../../operator/timeline-in-words.js';
import { shortTime } from '../../operator/times.js';
import { scoreInWords } from '../../contract/scale.js';
import { isStorable } from '../../contract/text.js';
import { stateInWords } from '../../policy/state-in-words.js';
import { runUrlOf, type Config } from '../../setup/config.js';
import { parseInput } from '../parse.js';
import { actionsFor, deskActions, perform } from './actions.js';
import { operatorOf, sendDesk } from './page.js';

const pageSize = 50;

const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
const text = z.string('must be given once').max(255).refine(isStorable, { error: 'must not hold U+0000' });

/** An empty field of the form is as good as none. */
const listQuery = z.object({
  phase: optional(z.enum(listedPhases)),
  held: optional(z.literal('yes')),
  closed: optional(z.literal('today')),
  customer: optional(text),
  problem: optional(text),
  q: optional(text),
  age: optional(z.coerce.number().int().min(1).max(3650)),
  page: optional(z.coerce.number().int().min(1).max(200)),
});

type ListParameters = Record<string, string | number | undefined>;

function listPath(parameters: ListParameters): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `/reports?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

const phaseWords: Record<ListedPhase, string> = {
  open: 'Open',
  clearing: 'Cleared',
  confirming: 'Customer asked',
  needsAttention: 'Needs attention',
  surveying: 'Survey open',
  done: 'Done',
};

type ReportRoute = { Params: { id: string } };

/** Accepted only from our own page (access.ts), and from operators. */
const operates = { config: { accepts: 'form', scope: 'operate' } } as const;

export function reportPages(app: FastifyInstance, config: Config, client: CloseoutClient): void {
  const runUrl = runUrlOf(config);
  const outbox = config.mail.outboxDir !== undefined;

  app.get('/reports', async (request, reply) => {
    const query = parseInput(listQuery, request.query);
    const { phase, held, closed, customer, problem, q, age, page = 1 } = query;
    const { reports, total } = await client.listWithStatus({
      phase,
      held: held === 'yes',
      closedToday: closed === 'today',
      customer,
      serviceProblem: problem,
      search: q?.trim(),
      olderThanDays: age,
      offset: (page - 1) * pageSize,
      limit: pageSize,
    });
    const linkTo = (changes: ListParameters) => listPath({ ...query, ...changes });
    const rows = reports.map(({ report, status }) => ({ report, status, ...stateInWords(status, shortTime) }));
    return sendDesk(reply, './desk/reports.html.eta', {
      title: 'Reports',
      nav: 'reports',
      outbox,
      rows,
      total,
      query,
      phaseWords,
      isMore: total >= maxCounted,
      first: (page - 1) * pageSize + 1,
      previous: page > 1 ? linkTo({ page: page - 1 }) : undefined,
      next: page * pageSize < total ? linkTo({ page: page + 1 }) : undefined,
      linkTo,
    });
  });

  const show = async (id: string, more: Typed & { error?: string; isPending?: boolean } = {}) => {
    const [report, status, timeline, contact, surveys] = await Promise.all([
      client.get(id),
      client.status(id),
      client.timeline(id),
      client.contactOf(id),
      client.surveys.ofReport(id),
    ]);
    return {
      title: `${id} · Closeout`,
      nav: 'reports' as const,
      report,
      status,
      contact,
      ...stateInWords(status, shortTime),
      scoreInWords,
      story: timeline.map(timelineLine).reverse(),
      actions: actionsFor(status, report.status),
      canExtend: status.survey.state === 'sent' && status.phase === 'surveying',
      canMail: contact?.emailAddress !== undefined && surveys.some(({ mailedAt }) => mailedAt),
      runUrl: runUrl(id),
      outbox,
      ...more,
      requestId: more.requestId ?? randomBytes(12).toString('base64url'),
    };
  };

  app.get<ReportRoute>('/reports/:id', async (request, reply) => {
    const isPending = 'pending' in (request.query as object);
    return sendDesk(reply, './desk/report.html.eta', await show(request.params.id, { isPending }));
  });

  /** What was typed is shown again with the reason why the request was not accepted. */
  const orExplain = async (reply: FastifyReply, id: string, typed: Typed, act: () => Promise<boolean>) => {
    let isShown: boolean;
    try {
      isShown = await act();
    } catch (error) {
      if (!(error instanceof CloseoutError) || error.code === 'ReportNotFound') throw error;
      // What may have been done is sent again as the same request.
      const again = errors[error.code].retry ? typed : { ...typed, requestId: undefined };
      const page = await show(id, { error: error.message, ...again });
      return sendDesk(reply, './desk/report.html.eta', page, errors[error.code].http);
    }
    return reply.redirect(`/reports/${id}${isShown ? '' : '?pending'}`, 303);
  };

  app.post<ReportRoute>('/reports/:id', operates, async (request, reply) => {
    const { id } = request.params;
    const { action, note, days, requestId } = parseInput(actionForm, request.body ?? {});
    const by = operatorOf(request);
    return orExplain(reply, id, { note, requestId }, () => perform(client, id, action, { by, note, days, requestId }));
  });

  app.post<ReportRoute>('/reports/:id/mail', operates, async (request, reply) => {
    const { id } = request.params;
    const { text: words = '', requestId } = parseInput(mailForm, request.body ?? {});
    return orExplain(reply, id, { text: words, requestId }, () =>
      client.surveys.reply(id, words, operatorOf(request), requestId).then(() => false),
    );
  });
}

/** What an operator has typed, and the request that it belongs to. */
type Typed = { note?: string; text?: string; requestId?: string };

/** Browsers send line breaks as CRLF, which would count twice. */
const longText = optional(
  z
    .string()
    .transform((typed) => typed.replaceAll('\r\n', '\n'))
    .pipe(z.string().max(2000)),
);

/** The same page asks for the same once, however often its button is pressed. */
const requestId = optional(z.string().regex(/^[\w-]{16}$/));

const actionForm = z.object({
  action: z.enum(deskActions),
  note: longText,
  days: optional(z.coerce.number().int().min(1).max(90)),
  requestId,
});

const mailForm = z.object({
  text: longText,
  requestId,
});

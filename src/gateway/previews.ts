/** `/outbox/preview`: every mail and every state of every page, in every language, about an invented report. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from '../setup/config.js';
import { CloseoutError } from '../contract/errors.js';
import type { MailKind } from '../contract/ids.js';
import { surveyMail, type Mail } from '../customer/mail.js';
import {
  repliedPage,
  confirmPage,
  endedPage,
  latePage,
  optOutPage,
  refusedPage,
  surveyPage,
  thanksPage,
  withdrawnPage,
} from '../customer/pages.js';
import { html } from '../views/render.js';
import { sendMailPart } from './mail-part.js';
import { languageCodes, textsOf, type Language } from '../customer/texts.js';

const kinds: MailKind[] = ['survey', 'reminder', 'confirm', 'warning'];
const at = new Date('2026-11-02T09:30:00Z');
const report = { id: 'DEMO-1', description: 'No dial tone on line 3', clearedAt: at.toISOString() };

/** Every state of every page, by name. */
const pages: Record<string, (language: Language) => string> = {
  open: (language) => surveyPage(language, { ...form, answer: { score: 4 } }),
  dissatisfied: (language) => surveyPage(language, { ...form, answer: { score: 2 } }),
  'not-solved': (language) => surveyPage(language, { ...form, answer: { solved: false } }),
  incomplete: (language) => surveyPage(language, { ...form, error: textsOf(language).page.choose }),
  confirm: (language) => confirmPage(language, confirming),
  'not-fixed': (language) => confirmPage(language, { ...confirming, fixed: false }),
  confirmed: (language) => surveyPage(language, { ...form, report: closed, confirmation: 'yes' }),
  'being-closed': (language) => repliedPage(language, report, true),
  'not-fixed-stored': (language) => repliedPage(language, report, false),
  'closed-in-silence': (language) => surveyPage(language, { ...form, report: closed, confirmation: 'silence' }),
  'not-fixed-late': (language) =>
    confirmPage(language, { ...confirming, report: closed, confirmation: 'silence', isLate: true }),
  late: (language) => latePage(language, closed, 'silence', 'Europe/Berlin'),
  withdrawn: (language) => withdrawnPage(language, 'reopened', report.id),
  cancelled: (language) => withdrawnPage(language, 'cancelled', report.id),
  changeable: (language) => surveyPage(language, { ...form, answer: { score: 5 }, changeableUntil: at }),
  thanks: (language) => thanksPage(language, { ...thanked, changeLink: '#' }),
  reopened: (language) => thanksPage(language, { ...thanked, isReopened: true }),
  'followed-up': (language) => thanksPage(language, { ...thanked, followUp: 'DEMO-1-after-1' }),
  answered: (language) => endedPage(language, 'answered', report),
  expired: (language) => endedPage(language, 'expired', report),
  superseded: (language) => endedPage(language, 'superseded', report),
  'not-solved-late': (language) => endedPage(language, 'expired', report, '#'),
  'opt-out': (language) => optOutPage(language, 'ask'),
  'opted-out': (language) => optOutPage(language, 'done'),
  'opt-out-undone': (language) => optOutPage(language, 'undone'),
  'unknown-link': (language) => refusedPage(language, textsOf(language).refused.invalid),
};
const form = {
  report,
  answer: {},
  error: undefined,
  changeableUntil: undefined,
  confirmation: null,
  until: at,
  timeZone: 'Europe/Berlin',
  path: '#',
};
const closed = { ...report, closedAt: at.toISOString() };
const confirming = {
  report,
  clearedAt: at,
  confirmation: null,
  isLate: false,
  fixed: undefined,
  reason: '',
  error: undefined,
  timeZone: 'Europe/Berlin',
  path: '#',
};
const thanked = {
  reportId: report.id,
  score: 4 as const,
  isReopened: false,
  followUp: undefined,
  changeLink: undefined,
};

export function previews(app: FastifyInstance, { http, mail, linkKeys }: Config): void {
  const settings = { ...mail, publicUrl: http.publicUrl, linkKeys };
  const build = (kind: MailKind, language: Language): Mail => {
    const contact = {
      name: 'Ann',
      emailAddress: 'ann@customers.example',
      preferredLanguage: language,
      timeZone: 'Europe/Berlin',
    };
    const surveyId = 'preview-preview-';
    return surveyMail({ kind, surveyId, report, contact, earlier: [], date: at, expiresAt: at }, settings);
  };
  /** Replaces the links of the invented report by links to the previews of the pages. */
  const linked = (text: string, language: Language) =>
    text
      .replaceAll(/http\S+?\/s\/[^"\s]*solved=no/g, `${http.publicUrl}/outbox/preview/page/not-solved/${language}`)
      .replaceAll(/http\S+?\/c\/[^"\s]*fixed=no/g, `${http.publicUrl}/outbox/preview/page/not-fixed/${language}`)
      .replaceAll(/http\S+?\/c\/[^"\s]*/g, `${http.publicUrl}/outbox/preview/page/confirm/${language}`)
      .replaceAll(/http\S+?\/s\/[^"\s]*/g, `${http.publicUrl}/outbox/preview/page/open/${language}`)
      .replaceAll(/http\S+?\/u\/[^"\s]*/g, `${http.publicUrl}/outbox/preview/page/opt-out/${language}`);

  app.get('/outbox/preview', (_request, reply) => {
    const named = languageCodes.map((code) => ({ code, name: textsOf(code).language }));
    const view = { title: 'Previews', wide: true, languages: named, kinds, pages: Object.keys(pages) };
    return sendHtml(reply, html.render('./previews.html.eta', view));
  });

  app.get<{ Params: { kind: string; lang: string } }>('/outbox/preview/mail/:kind/:lang', ({ params }, reply) => {
    const [kind, language] = [found(kinds, params.kind), found(languageCodes, params.lang)];
    const { text, subject, headers } = build(kind, language);
    const view = { title: subject, wide: true, text: linked(text, language), headers: Object.entries(headers) };
    const frame = `/outbox/preview/mail/${kind}/${language}/html`;
    reply.header('content-security-policy', "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'");
    return sendHtml(reply, html.render('./preview-mail.html.eta', { ...view, frame }));
  });

  app.get<{ Params: { kind: string; lang: string } }>('/outbox/preview/mail/:kind/:lang/html', ({ params }, reply) => {
    const language = found(languageCodes, params.lang);
    const { html: part = '' } = build(found(kinds, params.kind), language);
    return sendMailPart(reply, linked(part, language));
  });

  app.get<{ Params: { state: string; lang: string } }>('/outbox/preview/page/:state/:lang', ({ params }, reply) => {
    const draw = pages[found(Object.keys(pages), params.state)];
    return sendHtml(reply, draw?.(found(languageCodes, params.lang)) ?? '');
  });
}

const sendHtml = (reply: FastifyReply, page: string) => reply.type('text/html; charset=utf-8').send(page);

function found<T extends string>(known: readonly T[], name: string): T {
  const match = known.find((candidate) => candidate === name);
  if (!match) throw new CloseoutError('NotFound', `There is no preview "${name}"; there are ${known.join(', ')}.`);
  return match;
}

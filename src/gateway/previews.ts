/** `/outbox/preview`: every mail and every state of every page, in every language, about an invented report. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { GatewayConfig } from '../setup/config.js';
import { loadPolicy } from '../setup/policy-file.js';
import { CloseoutError } from '../contract/errors.js';
import type { MailKind } from '../contract/ids.js';
import { scaleNames, scaleOf } from '../contract/scale.js';
import { asksToConfirm, surveyMail, type Mail } from '../customer/mail.js';
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
import { questionNamed, type Question } from '../policy/questions.js';
import { languagesOf } from '../customer/question.js';
import { day, later } from '../policy/time.js';
import { html } from '../views/render.js';
import { sendMailPart } from './mail-part.js';
import { voiceOf, type Brand, type Brands, type Voice } from '../customer/brand.js';
import { languageCodes, textsOf, type Language } from '../customer/texts.js';

const kinds: MailKind[] = ['survey', 'reminder', 'confirm', 'warning'];
const at = new Date('2026-11-02T09:30:00Z');
const until = later(at, 14 * day);
const report = { id: 'DEMO-1', description: 'No dial tone on line 3', clearedAt: at.toISOString() };

/** Every state of every page, by name. */
const pages: Record<string, (voice: Voice, asked: Question) => string> = {
  open: (voice, asked) => surveyPage(voice, { ...form, asked, answer: { score: scaleOf(asked.scale).minGoodScore } }),
  dissatisfied: (voice, asked) =>
    surveyPage(voice, { ...form, asked, answer: { score: scaleOf(asked.scale).maxAlertScore } }),
  'not-solved': (voice, asked) => surveyPage(voice, { ...form, asked, answer: { solved: false } }),
  incomplete: (voice, asked) =>
    surveyPage(voice, { ...form, asked, error: { text: voice.t.page.choose, field: 'first' } }),
  confirm: (voice) => confirmPage(voice, confirming),
  'not-fixed': (voice) => confirmPage(voice, { ...confirming, fixed: false }),
  confirmed: (voice, asked) => surveyPage(voice, { ...form, asked, report: closed, confirmation: 'yes' }),
  'being-closed': (voice) => repliedPage(voice, report, true),
  'not-fixed-stored': (voice) => repliedPage(voice, report, false),
  'closed-in-silence': (voice, asked) => surveyPage(voice, { ...form, asked, report: closed, confirmation: 'silence' }),
  'not-fixed-late': (voice) =>
    confirmPage(voice, { ...confirming, report: closed, confirmation: 'silence', isLate: true }),
  late: (voice) => latePage(voice, closed, 'silence', 'Europe/Berlin'),
  withdrawn: (voice) => withdrawnPage(voice, 'reopened', report.id),
  cancelled: (voice) => withdrawnPage(voice, 'cancelled', report.id),
  changeable: (voice, asked) =>
    surveyPage(voice, {
      ...form,
      asked,
      answer: { score: scaleOf(asked.scale).highest },
      changeableUntil: later(at, day),
    }),
  thanks: (voice, asked) => thanksPage(voice, { ...thanked, ...answered(asked), changeLink: '#' }),
  reopened: (voice, asked) => thanksPage(voice, { ...thanked, ...answered(asked), isReopened: true }),
  'followed-up': (voice, asked) => thanksPage(voice, { ...thanked, ...answered(asked), followUp: 'DEMO-1-after-1' }),
  answered: (voice) => endedPage(voice, 'answered', report),
  expired: (voice) => endedPage(voice, 'expired', report),
  superseded: (voice) => endedPage(voice, 'superseded', report),
  'not-solved-late': (voice) => endedPage(voice, 'expired', report, { path: '#' }),
  'opt-out': (voice) => optOutPage(voice, 'ask', ''),
  'opted-out': (voice) => optOutPage(voice, 'done', ''),
  'opt-out-undone': (voice) => optOutPage(voice, 'undone', ''),
  'unknown-link': (voice) => refusedPage(voice, voice.t.refused.invalid),
};
const form = {
  report,
  answer: {},
  error: undefined,
  changeableUntil: undefined,
  confirmation: null,
  until,
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
  isReopened: false,
  followUp: undefined,
  changeLink: undefined,
};

const answered = (asked: Question) => ({ asked, score: scaleOf(asked.scale).minGoodScore });

/** `?brand=`: one of CLOSEOUT_BRANDS. */
const brandOf = (query: unknown, brands: Brands): Brand => {
  const { brand } = query as { brand?: unknown };
  return typeof brand === 'string'
    ? brands.of(
        found(
          brands.all.map(({ id }) => id),
          brand,
        ),
      )
    : brands.builtIn;
};

/** `?question=`: a scale, or a question of the policy file. */
function questionOf(query: unknown, own: ReadonlyMap<string, Question>): Question {
  const { question = 'satisfaction' } = query as { question?: unknown };
  return questionNamed(found(namesOf(own), String(question)), own);
}

const namesOf = (own: ReadonlyMap<string, Question>): string[] => [...new Set([...scaleNames, ...own.keys()])];

export function previews(
  app: FastifyInstance,
  { http, mail, linkKeys, policyFile }: GatewayConfig,
  brands: Brands,
): void {
  const own = loadPolicy(policyFile).questions ?? new Map<string, Question>();
  const settings = { ...mail, publicUrl: http.publicUrl, linkKeys };
  const build = (kind: MailKind, language: Language, brand: Brand, question: Question): Mail => {
    const contact = {
      name: 'Ann',
      emailAddress: 'ann@customers.example',
      preferredLanguage: language,
      timeZone: 'Europe/Berlin',
    };
    const surveyId = 'preview-preview-';
    const about = { kind, surveyId, report, contact, earlier: [], date: at, expiresAt: until };
    return surveyMail(asksToConfirm(kind) ? about : { ...about, question }, settings, brand);
  };
  /** Replaces the links of the invented report by links to the previews of the pages. */
  const linked = (text: string, language: Language, { id }: Brand, { name }: Question) => {
    const page = (state: string) =>
      `${http.publicUrl}/outbox/preview/page/${state}/${language}?brand=${id}&question=${name}`;
    return text
      .replaceAll(/http\S+?\/s\/[^"\s]*solved=no/g, page('not-solved'))
      .replaceAll(/http\S+?\/c\/[^"\s]*fixed=no/g, page('not-fixed'))
      .replaceAll(/http\S+?\/c\/[^"\s]*/g, page('confirm'))
      .replaceAll(/http\S+?\/s\/[^"\s]*/g, page('open'))
      .replaceAll(/http\S+?\/u\/[^"\s]*/g, page('opt-out'));
  };

  app.get('/outbox/preview', (request, reply) => {
    const brand = brandOf(request.query, brands);
    const named = languageCodes.map((code) => ({ code, name: textsOf(code).language }));
    const view = { title: 'Previews', nav: 'outbox', outbox: true, languages: named, kinds, pages: Object.keys(pages) };
    const question = questionOf(request.query, own);
    const chosen = { brand, brands: brands.all, question, questions: namesOf(own) };
    return sendHtml(reply, html.render('./previews.html.eta', { ...view, ...chosen }));
  });

  app.get<{ Params: { kind: string; lang: string } }>(
    '/outbox/preview/mail/:kind/:lang',
    ({ params, query }, reply) => {
      const [kind, language] = [found(kinds, params.kind), found(languageCodes, params.lang)];
      const brand = brandOf(query, brands);
      const question = questionOf(query, own);
      const { text, subject, headers } = build(kind, language, brand, question);
      const view = { title: subject, nav: 'outbox', outbox: true, text: linked(text, language, brand, question) };
      const frame = `/outbox/preview/mail/${kind}/${language}/html?brand=${brand.id}&question=${question.name}`;
      reply.header(
        'content-security-policy',
        "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'",
      );
      return sendHtml(
        reply,
        html.render('./preview-mail.html.eta', { ...view, headers: Object.entries(headers), frame }),
      );
    },
  );

  app.get<{ Params: { kind: string; lang: string } }>(
    '/outbox/preview/mail/:kind/:lang/html',
    ({ params, query }, reply) => {
      const language = found(languageCodes, params.lang);
      const brand = brandOf(query, brands);
      const { html: part = '' } = build(found(kinds, params.kind), language, brand, questionOf(query, own));
      return sendMailPart(reply, linked(part, language, brand, questionOf(query, own)));
    },
  );

  app.get<{ Params: { state: string; lang: string } }>(
    '/outbox/preview/page/:state/:lang',
    ({ params, query }, reply) => {
      const draw = pages[found(Object.keys(pages), params.state)];
      const question = questionOf(query, own);
      const language = found(languageCodes, params.lang);
      const voice = voiceOf(brandOf(query, brands), [language], languagesOf(question));
      return sendHtml(reply, draw?.(voice, question) ?? '');
    },
  );
}

const sendHtml = (reply: FastifyReply, page: string) => reply.type('text/html; charset=utf-8').send(page);

function found<T extends string>(known: readonly T[], name: string): T {
  const match = known.find((candidate) => candidate === name);
  if (!match) throw new CloseoutError('NotFound', `There is no preview "${name}"; there are ${known.join(', ')}.`);
  return match;
}

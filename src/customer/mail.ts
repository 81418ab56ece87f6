/** The mails that ask a customer something, as pure functions of what is known: the same input is the same mail, byte for byte. */
import { bounceAddressOf, messageIdOf, type MailKind } from '../contract/ids.js';
import { scores, type Contact, type Report } from '../contract/reports.js';
import { signLink, type LinkKey } from './links.js';
import { html, text } from '../views/render.js';
import { languageFor, languages, moment, ratingWords } from './texts.js';

export interface SurveyMail {
  kind: MailKind;
  surveyId: string;
  report: Pick<Report, 'id' | 'description' | 'name' | 'clearedAt'>;
  contact: Contact & { emailAddress: string };
  /** The report's earlier surveys that were mailed, oldest first. */
  earlier: Mailed[];
  date: Date;
  /** Until when it can be answered; null: for as long as the report is not closed. */
  expiresAt: Date | null;
}

/** A survey, and the clearing that its first mail asked about if that came before the closing. */
export interface Mailed {
  id: string;
  confirmFor: Date | null;
}

export interface MailSettings {
  publicUrl: string;
  from: string;
  /** A monitored address: what customers write back goes there. */
  replyTo: string;
  /** `bounce@domain`, which becomes `bounce+{surveyId}@domain`. */
  bounceTo: string;
  linkKeys: LinkKey[];
}

/** One message as the mailer takes it. Everything a retry must repeat is in here. */
export interface Mail {
  messageId: string;
  date: Date;
  baseBoundary: string;
  from: string;
  replyTo?: string;
  to: { name: string; address: string };
  subject: string;
  inReplyTo?: string;
  references?: string[];
  headers: Record<string, string | { prepared: boolean; value: string }>;
  /** Where a bounce goes to, and by what id it names this mail (RFC 3461). */
  envelope?: { from: string; to: string };
  dsn?: { id: string; return: 'headers'; notify: ['failure', 'delay'] };
  text: string;
  html?: string;
}

/** From a program to a person; who answers by program need not (RFC 3834 §5; the second is for Exchange, which has no RFC marking). */
export const automatic = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' };

export function surveyMail(mail: SurveyMail, settings: MailSettings): Mail {
  const { kind, surveyId, contact, date } = mail;
  const domain = domainOf(settings.from);
  const view = asksToConfirm(kind) ? confirmationOf(mail, settings) : surveyOf(mail, settings);
  const isSecond = kind === 'reminder' || kind === 'warning';
  const confirmFor = asksToConfirm(kind) ? clearingOf(mail) : null;
  const thread = [...mail.earlier, ...(isSecond ? [{ id: surveyId, confirmFor }] : [])].map((one) =>
    threadIdOf(one, domain),
  );
  return {
    messageId: messageIdOf(surveyId, kind, domain, confirmFor ?? undefined),
    date,
    baseBoundary: `closeout-${surveyId}-${kind}`,
    from: settings.from,
    replyTo: settings.replyTo,
    to: { name: oneLine(contact.name ?? ''), address: contact.emailAddress },
    envelope: { from: bounceAddressOf(surveyId, settings.bounceTo), to: contact.emailAddress },
    dsn: { id: surveyId, return: 'headers', notify: ['failure', 'delay'] },
    subject: view.subject,
    ...(thread.length > 0 ? { inReplyTo: thread.at(-1), references: thread } : {}),
    headers: {
      ...automatic,
      'Content-Language': view.language,
      // Not folded: a folded one broke DKIM at a relay (nodemailer#1654).
      ...(view.optOut && {
        'List-Unsubscribe': { prepared: true, value: `<${view.optOut}>` },
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
    text: text.render('./mail.txt.eta', view),
    html: html.render('./mail.html.eta', view),
  };
}

const asksToConfirm = (kind: MailKind): boolean => kind === 'confirm' || kind === 'warning';

const clearingOf = ({ report, date }: SurveyMail): Date => (report.clearedAt ? new Date(report.clearedAt) : date);

/** Message-ID of the mail that began the thread about a survey. */
export const threadIdOf = ({ id, confirmFor }: Mailed, domain: string): string =>
  confirmFor ? messageIdOf(id, 'confirm', domain, confirmFor) : messageIdOf(id, 'survey', domain);

interface View extends ReturnType<typeof common> {
  subject: string;
  preheader: string;
  intro: string;
  question: string;
  nothingStored: string;
  choices: { words: string; link: string }[];
  /** Under the choices, less prominent. */
  other?: { words: string; link: string };
  until: string;
  /** Undefined: this mail is part of the service, not a survey that could be done without. */
  optOut?: string;
}

function common({ kind, report, contact }: SurveyMail) {
  const language = languageFor(contact.preferredLanguage);
  const t = languages[language];
  return {
    language,
    dir: t.dir,
    t,
    isSecond: kind === 'reminder' || kind === 'warning',
    hello: t.mail.hello(oneLine(contact.name ?? '')),
    summary: summaryOf(report),
    cleared: report.clearedAt && t.mail.cleared(moment(new Date(report.clearedAt), language, contact.timeZone)),
  };
}

/** After the greeting a sentence goes on in small letters; after another it begins. */
const sentence = (words: string, begins: boolean): string =>
  begins ? words.charAt(0).toUpperCase() + words.slice(1) : words;

function surveyOf(mail: SurveyMail, { publicUrl, linkKeys }: MailSettings): View {
  const { kind, surveyId, report, contact, expiresAt } = mail;
  const shared = common(mail);
  const { t, language } = shared;
  const link = `${publicUrl}/s/${signLink('survey', surveyId, linkKeys)}`;
  return {
    ...shared,
    subject: kind === 'reminder' ? t.mail.reminder(report.id) : t.mail.subject(report.id),
    preheader: t.mail.preheader(report.id),
    intro: sentence(t.mail.closed(report.id), shared.isSecond),
    question: t.mail.question,
    nothingStored: t.mail.nothingStored,
    choices: scores.map((score) => ({ words: ratingWords(score, language), link: `${link}?r=${score}` })),
    other: { words: t.mail.notSolved, link: `${link}?solved=no` },
    until: expiresAt ? t.mail.until(moment(expiresAt, language, contact.timeZone)) : '',
    optOut: `${publicUrl}/u/${signLink('optOut', surveyId, linkKeys)}`,
  };
}

function confirmationOf(mail: SurveyMail, { publicUrl, linkKeys }: MailSettings): View {
  const { kind, surveyId, report, contact, expiresAt } = mail;
  const shared = common(mail);
  const { confirm, mail: t } = shared.t;
  const link = `${publicUrl}/c/${signLink('confirm', surveyId, linkKeys)}`;
  return {
    ...shared,
    subject: kind === 'warning' ? confirm.warning(report.id) : confirm.subject(report.id),
    preheader: t.preheader(report.id),
    intro: sentence(confirm.cleared(report.id), shared.isSecond),
    question: confirm.isItFixed,
    nothingStored: shared.t.page.hint,
    choices: [
      { words: confirm.yes, link: `${link}?fixed=yes` },
      { words: confirm.no, link: `${link}?fixed=no` },
    ],
    until: expiresAt ? confirm.silence(moment(expiresAt, shared.language, contact.timeZone)) : confirm.staysOpen,
  };
}

/** One line that the customer will recognise. */
export const summaryOf = ({ name, description }: Pick<Report, 'name' | 'description'>): string =>
  Array.from(oneLine(name ?? description))
    .slice(0, 140)
    .join('');

/** Of `Name <local@domain>` or `local@domain`. */
export const domainOf = (from: string): string => /@([^\s>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';

/** Without control characters or ones that turn the direction of text: a name cannot carry a header or a second recipient. */
export const oneLine = (value: string): string =>
  value.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();

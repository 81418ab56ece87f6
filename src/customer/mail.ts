/** The mails that ask a customer something. The same input is the same mail, byte for byte. */
import { domainOf, mailboxOf, oneLine, type Contact, type Mailbox } from '../contract/contact.js';
import { bounceAddressOf, messageIdOf, type MailKind } from '../contract/ids.js';
import type { QuestionSet } from '../contract/question.js';
import type { Report } from '../contract/reports.js';
import { html, text } from '../views/render.js';
import { questionNamed } from '../policy/questions.js';
import { signLink, type LinkKey } from './links.js';
import { voiceOf, type Brand, type Sender } from './brand.js';
import { isRow, languagesOf, optionsOf, questionText, scoreWords } from './question.js';
import { formatTime } from './texts.js';
import type { Texts } from './texts/catalogue.js';

export interface SurveyMail {
  kind: MailKind;
  surveyId: string;
  /** Not in a mail that asks to confirm. */
  question?: QuestionSet;
  report: Pick<Report, 'id' | 'description' | 'name' | 'clearedAt'>;
  contact: Contact & { emailAddress: string };
  /** The mailed surveys of the report's earlier cycles, oldest first. */
  earlier: ThreadStart[];
  date: Date;
  /** When the customer can no longer answer; null: not before the report is closed. */
  expiresAt: Date | null;
}

/** A survey, and the clearing that its first mail asked about if that mail was sent before the closing. */
export interface ThreadStart {
  id: string;
  confirmFor: Date | null;
}

export interface MailSettings extends Sender {
  /** `bounce@domain`, which becomes `bounce+{surveyId}@domain`. */
  bounceTo: string;
  linkKeys: LinkKey[];
}

/** One message as the mailer takes it, with everything that must be the same in every attempt. */
export interface Mail {
  messageId: string;
  date: Date;
  baseBoundary: string;
  from: Mailbox;
  replyTo?: Mailbox;
  to: { name: string; address: string };
  subject: string;
  inReplyTo?: string;
  references?: string[];
  headers: Record<string, string | { prepared: boolean; value: string }>;
  /** The address that bounces are sent to, and the id by which they name this mail (RFC 3461). */
  envelope?: { from: string; to: string };
  dsn?: { id: string; return: 'headers'; notify: ['failure', 'delay'] };
  text: string;
  html?: string;
}

/** Marks a mail as automatic, so that programs do not reply to it (RFC 3834 §5; the second header is for Exchange). */
export const automaticMail = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' };

export function surveyMail(mail: SurveyMail, general: MailSettings, brand: Brand): Mail {
  const settings = { ...general, ...brand.sender };
  const { kind, surveyId, contact, date } = mail;
  const domain = domainOf(settings.from);
  const view = asksToConfirm(kind) ? confirmationView(mail, settings, brand) : surveyView(mail, settings, brand);
  const confirmFor = asksToConfirm(kind) ? clearingOf(mail) : null;
  const starts = isSecond(kind) ? [...mail.earlier, { id: surveyId, confirmFor }] : mail.earlier;
  const thread = starts.map((start) => threadIdOf(start, domain));
  return {
    messageId: messageIdOf(surveyId, kind, domain, confirmFor ?? undefined),
    date,
    baseBoundary: `closeout-${surveyId}-${kind}`,
    from: mailboxOf(settings.from),
    replyTo: mailboxOf(settings.replyTo),
    to: { name: oneLine(contact.name ?? ''), address: contact.emailAddress },
    envelope: { from: bounceAddressOf(surveyId, settings.bounceTo), to: contact.emailAddress },
    dsn: { id: surveyId, return: 'headers', notify: ['failure', 'delay'] },
    subject: view.subject,
    inReplyTo: thread.at(-1),
    references: thread.length > 0 ? thread : undefined,
    headers: { ...automaticMail, 'Content-Language': view.language, ...unsubscribeHeaders(view) },
    text: text.render('./mail.txt.eta', view),
    html: html.render('./mail.html.eta', view),
  };
}

/** Not folded: a folded header broke DKIM at a relay (nodemailer#1654). */
const unsubscribeHeaders = ({ optOut }: View): Mail['headers'] =>
  optOut === undefined
    ? {}
    : {
        'List-Unsubscribe': { prepared: true, value: `<${optOut}>` },
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      };

export const asksToConfirm = (kind: MailKind): boolean => kind === 'confirm' || kind === 'warning';
const isSecond = (kind: MailKind): boolean => kind === 'reminder' || kind === 'warning';

const clearingOf = ({ report, date }: SurveyMail): Date => (report.clearedAt ? new Date(report.clearedAt) : date);

/** Message-ID of the first mail about a survey. */
export const threadIdOf = ({ id, confirmFor }: ThreadStart, domain: string): string =>
  confirmFor ? messageIdOf(id, 'confirm', domain, confirmFor) : messageIdOf(id, 'survey', domain);

interface View extends ReturnType<typeof commonView> {
  subject: string;
  preheader: string;
  intro: string;
  question: string;
  nothingStored: string;
  /** `score`: shown instead of the words where the choices are a row of numbers. */
  choices: { words: string; link: string; score?: number }[];
  isRow: boolean;
  /** Less prominent, below the choices. */
  other?: { words: string; link: string };
  until: string;
  /** Undefined for a mail that is part of the service: nobody can opt out of it. */
  optOut?: string;
}

function commonView({ kind, report, contact, question }: SurveyMail, brand: Brand) {
  const voice = voiceOf(brand, [contact.preferredLanguage], question && languagesOf(question));
  const { language, t } = voice;
  return {
    voice,
    language,
    dir: t.dir,
    t,
    brand,
    isSecond: isSecond(kind),
    hello: helloTo(contact, t),
    summary: summaryOf(report),
    cleared:
      report.clearedAt && t.mail.cleared({ when: formatTime(new Date(report.clearedAt), language, contact.timeZone) }),
  };
}

export function helloTo({ name = '' }: Contact, { mail }: Texts): string {
  return name.trim() ? mail.helloName({ name: oneLine(name) }) : mail.hello;
}

/** German and French continue the greeting in lower case, but not another sentence. */
const sentence = (words: string, followsSentence: boolean): string =>
  followsSentence ? words.charAt(0).toUpperCase() + words.slice(1) : words;

function surveyView(mail: SurveyMail, { publicUrl, linkKeys }: MailSettings, brand: Brand): View {
  const { kind, surveyId, report, contact, expiresAt, question = questionNamed(undefined, undefined) } = mail;
  const common = commonView(mail, brand);
  const { t, language, voice } = common;
  const link = `${publicUrl}/s/${signLink('survey', surveyId, linkKeys)}`;
  return {
    ...common,
    subject: kind === 'reminder' ? t.mail.reminder({ report: report.id }) : t.mail.subject({ report: report.id }),
    preheader: t.mail.preheader({ report: report.id }),
    intro: sentence(t.mail.closed({ report: report.id }), common.isSecond),
    question: questionText(question, voice),
    nothingStored: t.mail.nothingStored,
    choices: optionsOf(question).map((score) => ({
      words: scoreWords(score, question.scale, voice),
      link: `${link}?r=${score}`,
      score,
    })),
    isRow: isRow(question.scale),
    other: { words: t.mail.notSolved, link: `${link}?solved=no` },
    until: expiresAt ? t.mail.until({ when: formatTime(expiresAt, language, contact.timeZone) }) : '',
    optOut: `${publicUrl}/u/${signLink('optOut', surveyId, linkKeys)}`,
  };
}

function confirmationView(mail: SurveyMail, { publicUrl, linkKeys }: MailSettings, brand: Brand): View {
  const { kind, surveyId, report, contact, expiresAt } = mail;
  const common = commonView(mail, brand);
  const { confirm, mail: t, page } = common.t;
  const link = `${publicUrl}/c/${signLink('confirm', surveyId, linkKeys)}`;
  return {
    ...common,
    subject: kind === 'warning' ? confirm.warning({ report: report.id }) : confirm.subject({ report: report.id }),
    preheader: t.preheader({ report: report.id }),
    intro: sentence(confirm.cleared({ report: report.id }), common.isSecond),
    question: confirm.isItFixed,
    nothingStored: page.hint,
    choices: [
      { words: confirm.yes, link: `${link}?fixed=yes` },
      { words: confirm.no, link: `${link}?fixed=no` },
    ],
    isRow: false,
    until: expiresAt
      ? confirm.silence({ when: formatTime(expiresAt, common.language, contact.timeZone) })
      : confirm.staysOpen,
  };
}

/** One line by which the customer recognises the problem. */
export const summaryOf = ({ name, description }: Pick<Report, 'name' | 'description'>): string =>
  Array.from(oneLine(name ?? description))
    .slice(0, 140)
    .join('');

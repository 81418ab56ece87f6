/** Classifies incoming mail: a delivery report, a complaint, an unsubscription, an automatic reply, or a person's reply. Pure. */
import { createHash } from 'node:crypto';
import { simpleParser, type ParsedMail } from 'mailparser';
import { isReminderMessage, surveyIdOfBounce, surveyIdOfMessage } from '../contract/ids.js';
import { storable } from '../contract/text.js';
import { isAbsenceSubject } from './absence-subjects.js';
import { reportsInFields, reportsInText, type DeliveryReport } from './delivery-report.js';

interface Common {
  /** The same for every copy of the same mail. */
  id: string;
  /** Surveys that it may be about, the most certain first. */
  surveyIds: string[];
  /** Operators' replies that it may answer. */
  repliesAnswered: string[];
}

export type IncomingMail = Common &
  /**
   * `replyId`: it is about an operator's reply in the thread of the survey, not about the survey; `isOfReminder`: about its reminder, or the
   * warning before the window to confirm ends.
   */
  (
    | { kind: 'deliveryReport'; reports: DeliveryReport[]; replyId?: string; isOfReminder?: boolean }
    | { kind: 'complaint' | 'unsubscription' | 'automatic' }
    | { kind: 'reply'; messageId: string | undefined; from: string | undefined; text: string }
  );

const longest = 20_000;

/** `recipient`: the envelope recipient, if the mail server passes it on. */
export async function readIncoming(source: Buffer, recipient = ''): Promise<IncomingMail> {
  const mail = await simpleParser(source, { keepDeliveryStatus: true, skipImageLinks: true, ignoreEmbedded: true });
  const addressedTo = [recipient, ...['delivered-to', 'x-original-to', 'to'].map((name) => header(mail, name))];
  const toBounceAddress = addressedTo.flatMap((address) => surveyIdOfBounce(address) ?? []);
  const text = await textOf(mail);
  const common = {
    id: idOf(mail, text),
    surveyIds: [...new Set([...toBounceAddress, ...surveyIdsIn(mail, text)])],
    repliesAnswered: referencesIn(mail).flatMap((messageId) => replyIdOf(messageId) ?? []),
  };
  if (isComplaint(mail, toBounceAddress.length > 0)) return { ...common, kind: 'complaint' };
  const reports = deliveryReports(mail, text, toBounceAddress.length > 0);
  const returned = returnedMail(mail) ?? text;
  if (reports)
    return {
      ...common,
      kind: 'deliveryReport',
      reports,
      replyId: replyIdIn(returned),
      isOfReminder: isReminderIn(returned),
    };
  if (isUnsubscription(mail, text)) return { ...common, kind: 'unsubscription' };
  if (isAutomatic(mail)) return { ...common, kind: 'automatic' };
  const from = mail.from?.value[0]?.address;
  return {
    ...common,
    kind: 'reply',
    messageId: mail.messageId && storable(mail.messageId),
    from,
    text: replyText(mail, text),
  };
}

function header(mail: ParsedMail, name: string): string {
  const line = mail.headerLines.find(({ key }) => key === name)?.line ?? '';
  return line.slice(line.indexOf(':') + 1).trim();
}

const part = (mail: ParsedMail, type: RegExp): string | undefined =>
  mail.attachments.find(({ contentType }) => type.test(contentType))?.content.toString('utf8');

const deliveryStatus = (mail: ParsedMail): string | undefined => part(mail, /^message\/(global-)?delivery-status$/);

const feedbackReport = (mail: ParsedMail): string | undefined => part(mail, /^message\/feedback-report$/);

/** The mail that a report returns, or its headers. */
const returnedMail = (mail: ParsedMail): string | undefined =>
  part(mail, /^(message\/(rfc822|global)|text\/rfc822-headers|message\/global-headers)$/);

const isReport = (mail: ParsedMail, type = ''): boolean =>
  /^multipart\/report\b/i.test(header(mail, 'content-type')) &&
  header(mail, 'content-type').toLowerCase().includes(type);

/** The parser makes no text of HTML that was cut off, so the HTML is parsed again as a mail of its own. */
async function textOf({ text, html }: ParsedMail): Promise<string> {
  if (text !== undefined || !html) return text ?? '';
  const page = await simpleParser(`Content-Type: text/html; charset=utf-8\r\n\r\n${html}`, { skipImageLinks: true });
  return page.text ?? '';
}

/** ARF (RFC 5965), or the returned mail alone, as Hotmail sends it. */
function isComplaint(mail: ParsedMail, isToBounceAddress: boolean): boolean {
  const feedback = feedbackReport(mail) ?? '';
  // Other types say that a mail is not spam, or failed an authentication (RFC 6591).
  if (feedback || isReport(mail, 'feedback-report')) return !/^Feedback-Type:\s*(?!abuse\b)\S/im.test(feedback);
  const returned = returnedMail(mail) ?? '';
  if (isReport(mail) || !returned) return false;
  const isCalledComplaint = isToBounceAddress && /\b(complaint|abuse|spam report)\b/i.test(mail.subject ?? '');
  return isCalledComplaint || /^X-HmXmrOriginalRecipient:/im.test(returned);
}

const daemon = /^(mailer-daemon|mail-daemon|mdaemon|postmaster)@/i;
const failureSubject =
  /undeliver|unzustellbar|nicht zugestellt|non remis|returned mail|returned to sender|failure notice|delivery (status|failure|failed|has failed)|mail (delivery|system) (failed|failure|error)/i;

/** Undefined if this is no delivery report. Only servers, and some automatic replies, write to the bounce address. */
function deliveryReports(mail: ParsedMail, text: string, isToBounceAddress: boolean): DeliveryReport[] | undefined {
  const subject = mail.subject ?? '';
  const failedRecipients = header(mail, 'x-failed-recipients');
  const isDaemon = daemon.test(mail.from?.value[0]?.address ?? '');
  const isFromServer = isToBounceAddress || isDaemon || isReport(mail) || header(mail, 'return-path') === '<>';
  if (!isFromServer && !failedRecipients) return undefined;
  const status = deliveryStatus(mail);
  const inFields = status === undefined ? reportsInFields(text, 'final-recipient') : reportsInFields(status);
  if (inFields.length > 0) return inFields;
  if ((isReport(mail) && !isReport(mail, 'delivery-status')) || isAbsenceSubject(subject)) return undefined;
  const isReturned = isToBounceAddress && returnedMail(mail) !== undefined && !mail.inReplyTo;
  const isFailure = failureSubject.test(subject) && (isDaemon || isToBounceAddress);
  return failedRecipients || isReturned || isFailure || (isDaemon && isToBounceAddress)
    ? reportsInText(text, subject, failedRecipients)
    : undefined;
}

/** Sent by a mail program when its user presses "unsubscribe". */
const isUnsubscription = (mail: ParsedMail, text: string): boolean =>
  header(mail, 'x-apple-unsubscribe') !== '' ||
  (/^(re:\s*)?unsubscribe$/i.test(mail.subject?.trim() ?? '') && /^(unsubscribe)?$/i.test(text.trim()));

/**
 * Marked by the standard (RFC 3834 §2), or in one of the ways that programs used before it. Headers of lists, of rules and of
 * suppression do not count: relays add them to a person's mail.
 */
function isAutomatic(mail: ParsedMail): boolean {
  const submitted = header(mail, 'auto-submitted').toLowerCase();
  const isList = mail.headerLines.some(({ key }) => key.startsWith('list-'));
  const precedence = header(mail, 'precedence').toLowerCase();
  return (
    (submitted !== '' && !/^(no|auto-forwarded)\b/.test(submitted)) ||
    mail.headerLines.some(({ key }) => autoReplyHeader.test(key) && !/^(no|false)\b/i.test(header(mail, key))) ||
    /^auto[_-]?reply\b/.test(precedence) ||
    (/^(bulk|junk)\b/.test(precedence) && !isList) ||
    isAbsenceSubject(mail.subject ?? '') ||
    isReport(mail)
  );
}

const autoReplyHeader = /^x-(mail-)?auto-?(reply|respond|responder|response|generated)(-from)?$/;

/**
 * The token of a link (links.ts), even where a mail scanner has rewritten the link: `/` becomes `%2F` or `_`, and `-` becomes `-2D`.
 */
const linkToken = /[0-9a-v]{20}\.[A-Za-z0-9]{1,8}\.[\w-]{22,70}(\?\S*)?/g;
/** Also one that a mail program has broken in two lines. */
const ownLink = /\/(s|u|c)\/[\w.-]{20,}(\?\S*)?/g;

/** Without the links of a quoted mail, which would let anybody answer. */
function replyText(mail: ParsedMail, text: string): string {
  const names = mail.attachments.map(({ filename }) => filename ?? 'unnamed').join(', ');
  const body = text.trim() || [mail.subject ?? '', names && `(No text. Attachments: ${names})`].join('\n').trim();
  return storable(body.replace(ownLink, '/$1/…').replace(linkToken, '…').slice(0, longest)).trim();
}

/** The id of the operator's reply that has this Message-ID. */
const replyIdOf = (messageId: string): string | undefined => /^<reply\.([\w-]+)@/i.exec(messageId)?.[1];

/** The id of the operator's reply that this mail returns. */
const replyIdIn = (returned: string): string | undefined =>
  replyIdOf(/^Message-ID:\s*(<[^>]+>)/im.exec(returned)?.[1] ?? '');

const isReminderIn = (returned: string): boolean =>
  [...returned.matchAll(/^Message-ID:\s*<([^>]+)>/gim)].some(([, id = '']) => isReminderMessage(id));

/** Message-IDs of the mails before this one, the latest first. */
const referencesIn = ({ inReplyTo, references }: ParsedMail): string[] => [
  ...messageIdsIn(inReplyTo),
  ...messageIdsIn([references ?? []].flat().join(' ')).reverse(),
];

const messageIdsIn = (text = ''): string[] => text.match(/<[^<>]+>/g) ?? [];

/**
 * In the mail that this one replies to or returns, in the envelope id or sender that a report repeats, and, because some relays replace
 * Message-IDs, in the links of the mail that this one quotes.
 */
function surveyIdsIn(mail: ParsedMail, text: string): string[] {
  const envelopeId = /^Original-Envelope-Id:\s*([0-9a-v]{20})\s*$/im
    .exec(deliveryStatus(mail) ?? '')?.[1]
    ?.toLowerCase();
  const envelopeSender = surveyIdOfBounce(/^Original-Mail-From:.*/im.exec(feedbackReport(mail) ?? '')?.[0] ?? '');
  const returned = (returnedMail(mail) ?? text).replace(/\r?\n[ \t]+/g, ' ');
  const fields = returned.match(/^(Message-ID|References|In-Reply-To):\s*<.*/gim) ?? [];
  const messageIds = [...referencesIn(mail), ...fields.flatMap((line) => messageIdsIn(line).reverse())];
  const linked = [...text.matchAll(linkToken)].map(([token]) => token.slice(0, 20));
  return [envelopeId, envelopeSender, ...messageIds.map(surveyIdOfMessage), ...linked].filter((id) => id !== undefined);
}

/**
 * A Message-ID alone is not enough: some programs use one for several mails, others none. The date is taken as it is written,
 * because the parser replaces one that it cannot read by the current time.
 */
function idOf(mail: ParsedMail, text: string): string {
  const { messageId, from, subject, attachments } = mail;
  const checksums = attachments.map(({ checksum }) => checksum);
  const parts = [messageId, header(mail, 'date'), from?.text, subject, text, ...checksums];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

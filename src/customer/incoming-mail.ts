/** What a mail that came in is: a bounce, an answer by a program, or a person who writes back. Pure. */
import { createHash } from 'node:crypto';
import { simpleParser, type ParsedMail } from 'mailparser';
import { surveyIdOfBounce, surveyIdOfMessage } from '../contract/ids.js';

interface Common {
  /** The same for the same mail, however often it comes. */
  id: string;
  /** The survey that it is about, if it can be told. */
  surveyId: string | undefined;
}

export type IncomingMail = Common &
  (
    | {
        kind: 'bounce' | 'delay';
        /** RFC 3463, such as `5.1.1`. */
        status: string;
        /** Whom it could not reach, as far as it says. */
        recipients: string[];
      }
    | { kind: 'automatic' }
    | { kind: 'reply'; messageId: string | undefined; from: string | undefined; text: string }
  );

const longest = 20_000;

/** `recipient`: the envelope's, where the mail server tells it. */
export async function readIncoming(source: Buffer, recipient?: string): Promise<IncomingMail> {
  const mail = await simpleParser(source, { keepDeliveryStatus: true, skipImageLinks: true });
  const report = deliveryStatus(mail);
  const common = { id: idOf(mail, source), surveyId: surveyIdIn(mail, source, recipient, report !== undefined) };
  if (report) {
    const { action = '', status = '', recipients } = report;
    if (action === 'failed') return { ...common, kind: 'bounce', status: status || '5.0.0', recipients };
    if (action === 'delayed') return { ...common, kind: 'delay', status, recipients };
    return { ...common, kind: 'automatic' };
  }
  if (isAutomatic(mail)) return { ...common, kind: 'automatic' };
  const from = mail.from?.value[0]?.address;
  return { ...common, kind: 'reply', messageId: mail.messageId, from, text: wordsOf(mail) };
}

const header = (mail: ParsedMail, name: string): string => rawHeader(mail, name).trim().toLowerCase();

/** Without NUL, which no database keeps, and without the links of a quoted mail: they are the customer's key. */
const wordsOf = ({ text = '' }: ParsedMail): string =>
  text
    .replaceAll('\0', '')
    .replace(/\/(s|u|c)\/[\w.-]{20,}(\?\S*)?/g, '/$1/…')
    .trim()
    .slice(0, longest);

/** What programs write above their answer where they mark it by nothing else. */
const awaySubject =
  /^(auto(matic|mated)?[- ]?reply|out of (the )?office|automatische antwort|abwesenheit|réponse automatique|absence|رد تلقائي)/i;

/** Marked by the standard (RFC 3834 §2) or by what programs used before and beside it. */
function isAutomatic(mail: ParsedMail): boolean {
  const has = (name: string) => header(mail, name) !== '';
  const submitted = header(mail, 'auto-submitted');
  return (
    (submitted !== '' && !submitted.startsWith('no')) ||
    ['x-autoreply', 'x-autorespond', 'x-auto-response-suppress', 'list-id', 'x-failed-recipients'].some(has) ||
    /\b(auto[_-]?reply|bulk|junk|list)\b/.test(header(mail, 'precedence')) ||
    awaySubject.test(mail.subject ?? '') ||
    header(mail, 'return-path') === '<>' ||
    /^\s*multipart\/report/.test(header(mail, 'content-type')) ||
    /^(mailer-daemon|postmaster)@/i.test(mail.from?.value[0]?.address ?? '')
  );
}

/** Fields of the first recipient in a delivery report (RFC 3464 §2.3). */
function deliveryStatus(mail: ParsedMail): { action?: string; status?: string; recipients: string[] } | undefined {
  const part = mail.attachments.find(({ contentType }) => contentType === 'message/delivery-status');
  if (!part) return undefined;
  const text = part.content.toString('utf8');
  return {
    action: /^Action:\s*([a-z]+)/im.exec(text)?.[1]?.toLowerCase(),
    recipients: [...text.matchAll(/^(?:Final|Original)-Recipient:[^;\n]*;\s*<?([^\s>]+)/gim)].map(([, to = '']) => to),
    status: /^Status:\s*(\d\.\d{1,3}\.\d{1,3})/im.exec(text)?.[1],
  };
}

/** By the address it came to, by what it answers, and for a bounce by what it returns. */
function surveyIdIn(mail: ParsedMail, source: Buffer, recipient: string | undefined, isBounce: boolean) {
  const addressed = [recipient ?? '', ...['delivered-to', 'x-original-to', 'to'].map((name) => rawHeader(mail, name))];
  for (const address of addressed) {
    const found = surveyIdOfBounce(address);
    if (found) return found;
  }
  const references = [mail.inReplyTo ?? '', ...(mail.references ? [mail.references].flat() : []).reverse()];
  for (const messageId of references.flatMap((ids) => ids.split(/\s+/))) {
    const found = surveyIdOfMessage(messageId);
    if (found) return found;
  }
  if (!isBounce) return undefined;
  const text = source.toString('latin1');
  return (
    /^Original-Envelope-Id:\s*([\w-]{16})\s*$/im.exec(text)?.[1] ??
    surveyIdOfMessage(/^Message-ID:\s*(<survey\.\S+)/im.exec(text)?.[1] ?? '')
  );
}

function rawHeader(mail: ParsedMail, name: string): string {
  const line = mail.headerLines.find(({ key }) => key === name)?.line ?? '';
  return line.slice(line.indexOf(':') + 1);
}

function idOf(mail: ParsedMail, source: Buffer): string {
  return createHash('sha256')
    .update(mail.messageId ?? source)
    .digest('base64url')
    .slice(0, 22);
}

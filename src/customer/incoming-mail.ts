/** Classifies incoming mail: a bounce, an automatic reply, or a customer's reply. Pure. */
import { createHash } from 'node:crypto';
import { simpleParser, type ParsedMail } from 'mailparser';
import { surveyIdOfBounce, surveyIdOfMessage } from '../contract/ids.js';
import { languages } from './texts.js';

interface Common {
  /** The same for every copy of the same mail. */
  id: string;
  /** The survey that it is about, if that is recognisable. */
  surveyId: string | undefined;
}

export type IncomingMail = Common &
  (
    | {
        kind: 'bounce' | 'delay';
        /** RFC 3463, such as `5.1.1`. */
        status: string;
        /** The addresses that could not be reached, if it names them. */
        recipients: string[];
      }
    | { kind: 'automatic' }
    | { kind: 'reply'; messageId: string | undefined; from: string | undefined; text: string }
  );

const longest = 20_000;

/** `recipient`: the envelope recipient, if the mail server passes it on. */
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
  return { ...common, kind: 'reply', messageId: mail.messageId, from, text: textOf(mail) };
}

const header = (mail: ParsedMail, name: string): string => rawHeader(mail, name).trim().toLowerCase();

/** Without NUL, which PostgreSQL does not store, and without the links of a quoted mail, which would let anybody answer. */
const textOf = ({ text = '' }: ParsedMail): string =>
  text
    .replaceAll('\0', '')
    .replace(/\/(s|u|c)\/[\w.-]{20,}(\?\S*)?/g, '/$1/…')
    .trim()
    .slice(0, longest);

/** The only mark of some automatic replies. */
const isAwaySubject = (subject: string): boolean =>
  Object.values(languages).some(({ awaySubject }) => awaySubject.test(subject));

/** Marked by the standard (RFC 3834 §2), or in one of the ways that programs used before it. */
function isAutomatic(mail: ParsedMail): boolean {
  const has = (name: string) => header(mail, name) !== '';
  const submitted = header(mail, 'auto-submitted');
  return (
    (submitted !== '' && !submitted.startsWith('no')) ||
    ['x-autoreply', 'x-autorespond', 'x-auto-response-suppress', 'list-id', 'x-failed-recipients'].some(has) ||
    /\b(auto[_-]?reply|bulk|junk|list)\b/.test(header(mail, 'precedence')) ||
    isAwaySubject(mail.subject ?? '') ||
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

/** Found in the address it was sent to, in the mail it replies to, or in the mail that a bounce returns. */
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

/** Reads what a mail server reports about the delivery of a mail: as RFC 3464 says, or in words. Pure. */
import { refusalStatus } from '../policy/delivery.js';

export interface DeliveryReport {
  outcome: 'failed' | 'delayed' | 'delivered';
  /** RFC 3463, such as `5.1.1`. `5.0.0` if the report has none. */
  status: string;
  /** The address that the mail was to be delivered to. */
  recipient: string | undefined;
  /** The address that the mail was sent to, if it was forwarded. */
  originalRecipient?: string;
}

/**
 * One report per recipient, from a `message/delivery-status` (RFC 3464 §2.3), or from the same fields in plain text, where each must have
 * the field that is `required`.
 */
export function reportsInFields(text: string, required?: string): DeliveryReport[] {
  const blocks = text.split(/\r?\n[ \t]*(?:\r?\n|$)/).map(fieldsOf);
  const isReport = (fields: Map<string, string>) =>
    required === undefined ? fields.has('final-recipient') || fields.has('action') : fields.has(required);
  return blocks.filter(isReport).map(reportOf);
}

function fieldsOf(block: string): Map<string, string> {
  const lines = block.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const [, name, value] = /^([\w-]+):[ \t]*(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value.trim()] as const];
    }),
  );
}

function reportOf(fields: Map<string, string>): DeliveryReport {
  const status = refusalStatus(fields.get('diagnostic-code') ?? '', fields.get('status')) ?? '5.0.0';
  const final = addressIn(fields.get('final-recipient'));
  // Sendmail names the address that the mail came to as the final one, and that to which it was forwarded here.
  const actual = addressIn(fields.get('x-actual-recipient')) ?? final;
  return {
    outcome: outcomeOf(fields.get('action') ?? '', fields.get('status') ?? ''),
    status,
    recipient: actual,
    originalRecipient: addressIn(fields.get('original-recipient')) ?? (actual === final ? undefined : final),
  };
}

function outcomeOf(action: string, status: string): DeliveryReport['outcome'] {
  if (/^delay/i.test(action)) return 'delayed';
  if (/^(deliver|relay|expand)/i.test(action)) return 'delivered';
  if (/^(fail|expire|bounce|reject|undeliver)/i.test(action)) return 'failed';
  return status.startsWith('2') ? 'delivered' : status.startsWith('4') ? 'delayed' : 'failed';
}

/** The field is `rfc822; address`, but some servers omit the type. */
const addressIn = (field = ''): string | undefined => addressPattern.exec(field)?.[0];

/** No longer than RFC 5321 allows, so that it is found in linear time. An apostrophe between letters is part of a name. */
const addressPattern =
  /(?:[^\s<>()[\]"',;:]|(?<=[\p{L}\d])'(?=[\p{L}\d])){1,64}@[^\s<>()[\]"',;:]{0,254}[^\s<>()[\]"',;:.]/u;

/** Limits the work: anybody can send a bounce, and its text is searched once per address. Its reason stands at the beginning. */
const [maxWordsLength, maxAddresses] = [65_536, 50];

/** One report per address that a bounce in plain words names. `subject` and `failedRecipients` (set by Exim and Gmail) are headers. */
export function reportsInText(text: string, subject: string, failedRecipients: string): DeliveryReport[] {
  const [words = ''] = text.slice(0, maxWordsLength).split(startOfCopy);
  const isDelay = delayWords.test(`${subject}\n${words}`) && !finalWords.test(words);
  const outcome = isDelay ? 'delayed' : 'failed';
  // The words may also name the address that forwarded the mail.
  const named = failedRecipients || words.replace(forwarder, '');
  const found = named.match(new RegExp(addressPattern, 'gu')) ?? [];
  const addresses = [...new Set(found.map((address) => address.toLowerCase()))].slice(0, maxAddresses);
  if (addresses.length === 0) return [{ outcome, status: refusalStatus(words) ?? '5.0.0', recipient: undefined }];
  return addresses.map((recipient) => {
    const status = refusalStatus(wordsAbout(recipient, words) || words) ?? '5.0.0';
    return { outcome, status, recipient };
  });
}

const forwarder = /\b(?:generated|expanded|forwarded) from:?\s+\S+/gi;

/** The returned mail follows. */
const startOfCopy = /^[ \t]*--.*\b(?:copy|original|follows|following|returned|unsent)\b.*$/im;

const delayWords =
  /\bdelayed\b|\(delay\)|\bwill (continue|keep)( on)? (to )?(try|retry)|\bstill (trying|being retried)|\bwill be retried|\bcould not send message for past/i;
/** Exim's warning says that it will give up some day. */
const finalWords = /(?<!\bwill )\bgiv(e|ing|en) up\b|\bpermanent/i;

/** A paragraph that names the address, and those that follow it until another address is named. */
function wordsAbout(address: string, words: string): string {
  const about: string[] = [];
  let isAbout = false;
  for (const paragraph of words.toLowerCase().split(/\n\s*\n/)) {
    if (addressPattern.test(paragraph)) isAbout = paragraph.includes(address);
    if (isAbout) about.push(paragraph);
  }
  return about.join('\n\n');
}

/**
 * The report about our recipient. `isForwarded`: the mail was forwarded, and the report says nothing about our recipient's
 * own address.
 */
export function reportAbout(
  reports: DeliveryReport[],
  isOurs: (address: string) => boolean,
): { report: DeliveryReport; isForwarded: boolean } | undefined {
  const isOur = (address: string | undefined) => address !== undefined && isOurs(address);
  const own =
    reports.find(({ recipient }) => isOur(recipient)) ?? reports.find(({ recipient }) => recipient === undefined);
  if (own) return { report: own, isForwarded: false };
  const report =
    reports.find(({ originalRecipient }) => isOur(originalRecipient)) ??
    reports.find(({ outcome }) => outcome === 'failed') ??
    reports[0];
  return report && { report, isForwarded: true };
}

/** What the refusal of a mail means, by its status code (RFC 3463) and its words. Pure. */

/** The address does not exist. 5.1.7, 5.1.8, 5.1.20 and 5.1.90 (Exchange: too many mails today) are about the sender. */
export const isBadAddress = (status: string): boolean => /^5\.(1\.(?!(7|8|20|90)$)\d{1,3}|2\.1)$/.test(status);

/** 5.7.x of Exchange that say that the recipient is disabled, unknown, or takes no mail from outside. */
const aboutRecipient = '12|13|124|129|133|134|135|136|504|505';

/** The mail was refused because of who sent it: authentication, policy or reputation. It says nothing about the recipient. */
export const isSenderFault = (status: string): boolean =>
  new RegExp(`^5\\.(7\\.(?!(${aboutRecipient})$)\\d{1,3}|1\\.(7|8|20|90))$`).test(status);

/** Many servers send these words with a code that concerns the recipient, such as 5.1.0. */
const senderWords =
  /\b(spf|dkim|dmarc|sender policy framework|sender (denied|rejected)|(daily|sending) limit|not (allowed|authori[sz]ed|permitted|designated) to send|(relay access|relaying) denied|spamhaus|(black|block|deny) ?list(ed)?)\b/i;

/** Microsoft's words for an address that does not exist, with codes that do not say so. */
const unknownWords = /\b5\.4\.1\b.*recipient address rejected: access denied|\b5\.5\.0\b.*mailbox unavailable/is;

/**
 * The status code of a refusal; undefined if it has none. `stated` is the field of a delivery report. A code in `text`, the
 * words of the server, is preferred to a general one, such as 5.0.0 or 5.0.350.
 */
export function refusalStatus(text: string, stated = ''): string | undefined {
  if (senderWords.test(text)) return '5.7.1';
  if (unknownWords.test(text)) return '5.1.1';
  const codes = [stated, ...(text.match(/(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)/g) ?? [])].filter(isStatus);
  return codes.find(isSenderFault) ?? codes.find((code) => !isGeneral(code)) ?? codes[0];
}

const isGeneral = (code: string): boolean => /^\d\.0\.|\.0$/.test(code);
const isStatus = (text: string): boolean => /^[245]\.\d{1,3}\.\d{1,3}$/.test(text);

/** The relay refused the recipient or the message permanently, not us. */
export const isFinalRefusal = (code: string): boolean =>
  ['RecipientRefused', 'MailRefused', 'EAIUnsupported'].includes(code);

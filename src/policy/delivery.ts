/** What the refusal of a mail means, by its status code (RFC 3463) and its words. Pure. */

/** The address does not exist. 5.1.7 and 5.1.8 are about the sender. */
export const isBadAddress = (status: string): boolean => /^5\.(1\.(?![78]$)\d{1,3}|2\.1)$/.test(status);

/**
 * The mail was refused because of who sent it: authentication, policy or reputation. It says nothing about the recipient. With
 * 5.7.124, .129, .133 and .134, Exchange says that a mailbox or group takes no mail from outside.
 */
export const isSenderFault = (status: string): boolean =>
  /^5\.(7\.(?!(124|129|133|134)$)\d{1,3}|1\.[78])$/.test(status);

/** Many servers send these words with a code that concerns the recipient, such as 5.1.0. */
const senderWords =
  /\b(spf|dkim|dmarc|sender policy framework|not (allowed|authori[sz]ed|permitted|designated) to send|(relay access|relaying) denied|spamhaus|(black|block|deny) ?list(ed)?)\b/i;

/**
 * The status code of a refusal; undefined if it has none. `stated` is the field of a delivery report. A code in `text`, the
 * words of the server, is preferred to a general one, such as 5.0.0.
 */
export function refusalStatus(text: string, stated = ''): string | undefined {
  if (senderWords.test(text)) return '5.7.1';
  const codes = [stated, ...(text.match(/(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)/g) ?? [])].filter(isStatus);
  return codes.find(isSenderFault) ?? codes.find((code) => !code.endsWith('.0')) ?? codes[0];
}

const isStatus = (text: string): boolean => /^[245]\.\d{1,3}\.\d{1,3}$/.test(text);

/** The relay refused the recipient or the message permanently, not us. */
export const isFinalRefusal = (code: string): boolean =>
  ['RecipientRefused', 'MailRefused', 'EAIUnsupported'].includes(code);

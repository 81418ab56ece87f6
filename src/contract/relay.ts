/** How to reach the mail relay, and the key that signs mails. */
export interface Relay {
  smtpUrl: string;
  /** The relay accepts addresses with letters outside ASCII before the @ (RFC 6531). */
  smtpUtf8: boolean;
  dkim: { domainName: string; keySelector: string; privateKey: string } | undefined;
}

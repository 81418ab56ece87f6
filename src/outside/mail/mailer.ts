/** Hands mail to the relay, one recipient per message. Throws nodemailer's own errors; to-failure.ts classifies them. */
import nodemailer from 'nodemailer';
import { CloseoutError } from '../../contract/errors.js';
import { isLoopbackHost } from '../../contract/loopback.js';
import type { Relay } from '../../contract/relay.js';
import type { Mail } from '../../customer/mail.js';
import { relayBreaker } from './relay-breaker.js';
import { relayPace } from './relay-pace.js';

export interface Mailer {
  /** Resolves once the relay has accepted the message. `signal` aborts the conversation. Throws `EAIUnsupported`. */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  /** The relay is slow at the moment (relay-pace.ts). */
  isSlow(): boolean;
  close(): void;
}

/** Together less than the activity's startToClose, so that a second attempt never overlaps the first. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 15_000, socketTimeout: 120_000 };

/** nodemailer's own list omits List-Unsubscribe-Post and Auto-Submitted (measured); RFC 8058 §4 requires the first. */
const signed =
  'From:Reply-To:Subject:Date:Message-ID:To:In-Reply-To:References:MIME-Version:Content-Type:Content-Transfer-Encoding:Content-Language:Auto-Submitted:List-Unsubscribe:List-Unsubscribe-Post';

/** `slots`: mails at once. */
export function openMailer({ smtpUrl, smtpUtf8, dkim }: Relay, slots: number): Mailer {
  const { hostname, protocol } = new URL(smtpUrl);
  const isLocal = isLoopbackHost(hostname);
  const transport = nodemailer.createTransport(
    {
      url: smtpUrl,
      pool: true,
      maxConnections: slots,
      ...timeouts,
      requireTLS: !isLocal && protocol === 'smtp:',
      ignoreTLS: isLocal,
      dkim: dkim && { ...dkim, headerFieldNames: signed },
    },
    { disableFileAccess: true, disableUrlAccess: true, maxRecipients: 1 },
  );
  const askRelay = relayBreaker();
  const pace = relayPace();
  return {
    async send(mail, signal) {
      // nodemailer would send such an address raw even to a relay that does not accept it (measured; RFC 6531 §3.2).
      // eslint-disable-next-line no-control-regex
      if (!smtpUtf8 && /[^\x00-\x7f].*@/.test(mail.to.address)) {
        const hint = 'set CLOSEOUT_MAIL_SMTPUTF8=yes if it does';
        throw new CloseoutError('EAIUnsupported', `The relay accepts only ASCII before the @ of an address; ${hint}.`);
      }
      await askRelay(() => pace.measure(() => transport.sendMail({ ...mail, signal })));
    },
    isSlow: () => pace.isSlow(),
    close: () => transport.close(),
  };
}

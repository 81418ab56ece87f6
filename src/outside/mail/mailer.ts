/** Hands mail to the relay, one recipient a message. Errors come out as nodemailer made them; activities judge them. */
import nodemailer from 'nodemailer';
import type { Mail } from '../../survey/mail.js';

export interface Mailer {
  /** Resolves once the relay has accepted the message. `signal` breaks the conversation off. */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Together less than the activity's startToClose, so that a second try never overlaps the first. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 15_000, socketTimeout: 120_000 };

export function openMailer(smtpUrl: string): Mailer {
  const { hostname } = new URL(smtpUrl);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const transport = nodemailer.createTransport(
    {
      url: smtpUrl,
      pool: true,
      ...timeouts,
      requireTLS: !isLocal && smtpUrl.startsWith('smtp:'),
      ignoreTLS: isLocal,
    },
    { disableFileAccess: true, disableUrlAccess: true },
  );
  return {
    async send(mail, signal) {
      await transport.sendMail({ ...mail, ...(signal ? { signal } : {}) });
    },
    close: () => transport.close(),
  };
}

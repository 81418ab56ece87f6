/** SMTP_URL and CLOSEOUT_DKIM_…: the mail relay, and the key that signs mails. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { domainOf } from '../contract/contact.js';
import type { Relay } from '../contract/relay.js';
import { refuse, url } from './setting.js';

export const relaySettings = {
  SMTP_URL: url('smtp:', 'smtps:').optional(),
  CLOSEOUT_MAIL_SMTPUTF8: z.enum(['yes', 'no']).default('no'),
  CLOSEOUT_DKIM_KEY: z.string().optional(),
  CLOSEOUT_DKIM_DOMAIN: z.string().optional(),
  CLOSEOUT_DKIM_SELECTOR: z
    .string()
    .regex(/^[A-Za-z0-9.-]+$/, 'must be a DNS name')
    .default('closeout'),
};

type Set = z.infer<z.ZodObject<typeof relaySettings>> & { CLOSEOUT_MAIL_FROM: string };

/** Throws `BadSetting`. */
export function relayFrom(set: Set): Relay {
  const { SMTP_URL: smtpUrl = '', CLOSEOUT_MAIL_SMTPUTF8: smtpUtf8 } = set;
  return { smtpUrl, smtpUtf8: smtpUtf8 === 'yes', dkim: dkimFrom(set) };
}

function dkimFrom(set: Set): Relay['dkim'] {
  const { CLOSEOUT_DKIM_KEY: file, CLOSEOUT_DKIM_SELECTOR: keySelector } = set;
  if (file === undefined) return undefined;
  const domainName = set.CLOSEOUT_DKIM_DOMAIN ?? domainOf(set.CLOSEOUT_MAIL_FROM);
  try {
    const privateKey = readFileSync(file, 'utf8');
    const { asymmetricKeyType } = createPrivateKey(privateKey);
    if (asymmetricKeyType !== 'rsa') throw new Error('nodemailer signs with RSA only');
    return { domainName, keySelector, privateKey };
  } catch {
    return refuse('CLOSEOUT_DKIM_KEY', `must name a file with a private RSA key in PEM; ${file} is not one`);
  }
}

/** The sender of mails, as settings and brands give it. */
import { z } from 'zod';
import { emailAddressPattern, mailboxOf } from '../contract/contact.js';

/** `Name <a@b.example>` or `a@b.example`. */
export const mailbox = z
  .string()
  .max(320)
  .refine(
    (text) => !/[\r\n]/.test(text) && emailAddressPattern.test(mailboxOf(text).address),
    'must be a mail address, with or without a name, as Name <a@b.example>',
  );

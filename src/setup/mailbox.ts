/** The sender of mails, as settings and brands give it. */
import { z } from 'zod';

/** `Name <a@b.example>` or `a@b.example`. */
export const mailbox = z
  .string()
  .max(320)
  .regex(
    /^([^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
    'must be a mail address, with or without a name, as Name <a@b.example>',
  );

/**
 * The only place that decides whether an error is retried. What leaves here goes into workflow histories, so it is
 * written anew: an SMTP reply or a database error may quote an address.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CloseoutError, errors, type ErrorCode } from '../contract/errors.js';
import { unreachable } from '../outside/database/database.js';

export function toFailure(error: unknown): ApplicationFailure {
  const known = error instanceof CloseoutError ? error : unreachable(error);
  if (known) return failure(known.code, known.message);
  const verdict = mailVerdict(error);
  if (verdict) return failure(verdict.code, verdict.said);
  const { name, code } = error as { name?: unknown; code?: unknown };
  return failure('Unexpected', `${String(name)}${typeof code === 'string' ? ` ${code}` : ''}; see the worker's log`);
}

function failure(type: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: !errors[type].retry });
}

export interface MailVerdict {
  code: Extract<ErrorCode, 'RecipientRefused' | 'MailRefused' | 'MailUnavailable' | 'MailMisconfigured'>;
  /** The relay refused the address itself, so it is not to be tried again (RFC 3463 5.1.x, 5.2.1). */
  badAddress: boolean;
  /** What happened, without quoting the relay. */
  said: string;
}

/** Undefined when this is not a mail error. A lost connection counts as a 451 (RFC 5321 §3.8): try the same mail again. */
export function mailVerdict(error: unknown): MailVerdict | undefined {
  const { command, responseCode, response, code, permanent } = error as MailError;
  if (typeof command !== 'string' && !(typeof code === 'string' && mailCodes.has(code))) return undefined;
  const status = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];
  const answered = responseCode
    ? `answered ${responseCode}${status ? ` ${status}` : ''}`
    : `failed with ${String(code)}`;
  const said = `${command ?? 'SMTP'} ${answered}`;
  const verdict = (word: MailVerdict['code'], badAddress = false): MailVerdict => ({ code: word, badAddress, said });
  if (!permanent) return verdict('MailUnavailable');
  if (command === 'RCPT TO')
    return mailboxFull(status) ? verdict('MailUnavailable') : verdict('RecipientRefused', badAddress(status));
  if (command === 'DATA') return verdict('MailRefused');
  return verdict('MailMisconfigured'); // greeting, AUTH, MAIL FROM: ours to mend, never the recipient's fault
}

interface MailError {
  command?: string;
  responseCode?: number;
  response?: string;
  code?: string;
  permanent?: boolean;
}

const mailCodes = new Set([
  'ESOCKET',
  'ECONNECTION',
  'ETIMEDOUT',
  'EDNS',
  'EAUTH',
  'EENVELOPE',
  'EMESSAGE',
  'EPROTOCOL',
  'EABORT',
  'ETLS',
]);
const mailboxFull = (status: string | undefined) => status === '5.2.2';
const badAddress = (status: string | undefined) =>
  status !== undefined && (status.startsWith('5.1.') || status === '5.2.1');

/**
 * The only place that decides whether an error is retried. Failures are stored in workflow histories, so their messages are
 * written here: an SMTP reply or a database error may quote an address.
 */
import { ApplicationFailure } from '@temporalio/common';
import { CloseoutError, errors, type ErrorCode } from '../contract/errors.js';
import { RelayDown } from '../outside/mail/relay-breaker.js';
import { isBadAddress, isSenderFault, refusalStatus } from '../policy/delivery.js';

export function toFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof CloseoutError) return failure(error.code, error.message, error.retryAfter);
  if (error instanceof RelayDown) {
    const last = mailVerdict(error.cause);
    const message = last ? `${error.message} The last attempt: ${last.reason}` : error.message;
    return failure('MailUnavailable', message, error.retryAfter);
  }
  const verdict = mailVerdict(error);
  if (verdict) return failure(verdict.code, verdict.reason);
  const { name, code } = error as { name?: unknown; code?: unknown };
  return failure('Unexpected', `${String(name)}${typeof code === 'string' ? ` ${code}` : ''}; see the worker's log`);
}

function failure(type: ErrorCode, message: string, nextRetryDelay?: number): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: !errors[type].retry, nextRetryDelay });
}

export interface MailVerdict {
  /** `RecipientRefused`: the address does not exist and must not be mailed again. */
  code: Extract<
    ErrorCode,
    'RecipientRefused' | 'MailRefused' | 'EAIUnsupported' | 'MailUnavailable' | 'MailMisconfigured'
  >;
  /** A description that does not quote the relay. */
  reason: string;
}

/** Undefined if this is not a mail error. A lost connection counts as a 451 (RFC 5321 §3.8): retry the same mail. */
export function mailVerdict(error: unknown): MailVerdict | undefined {
  const { command, responseCode, response, code, permanent, message } = error as MailError;
  if (typeof command !== 'string' && !(typeof code === 'string' && mailCodes.has(code))) return undefined;
  const status = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1];
  const answered = responseCode
    ? `answered ${responseCode}${status ? ` ${status}` : ''}`
    : `failed with ${String(code)}${certificateFault(message)}`;
  const reason = `${command ?? 'SMTP'} ${answered}`;
  if (command === 'RCPT TO' || command === 'DATA')
    return { code: permanent ? refusalOf(refusalStatus(response ?? '')) : 'MailUnavailable', reason };
  // A refused greeting, login or sender is ours to fix, whatever the code, and never the recipient's fault.
  const refusesUs = permanent === true || code === 'EAUTH' || (code === 'EPROTOCOL' && responseCode !== undefined);
  return { code: refusesUs ? 'MailMisconfigured' : 'MailUnavailable', reason };
}

/** Why the relay's certificate is not trusted, as Node says it; the handshake comes before any address. */
function certificateFault(message = ''): string {
  const fault =
    /^(self-signed certificate|unable to \w+ [a-z ]*certificate|certificate [a-z ]+|Hostname\/IP does not match certificate's altnames)/;
  const [found] = fault.exec(message) ?? [];
  return found ? `: ${found}` : '';
}

/** The meaning of a permanent refusal of a recipient or message, by its status code of RFC 3463. */
function refusalOf(status = ''): MailVerdict['code'] {
  if (isSenderFault(status)) return 'MailMisconfigured';
  if (isBadAddress(status)) return 'RecipientRefused';
  if (status === '5.2.2') return 'MailUnavailable'; // the mailbox is full today
  return status === '5.6.7' ? 'EAIUnsupported' : 'MailRefused';
}

interface MailError {
  command?: string;
  responseCode?: number;
  response?: string;
  code?: string;
  message?: string;
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

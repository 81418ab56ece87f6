/** The HTTP client of an adapter: never faster than the system's rate, never waiting for ever, and its errors are ours. */
import { setTimeout as pause } from 'node:timers/promises';
import { CloseoutError } from '../contract/errors.js';

export interface HttpOptions {
  /** Without a slash at the end. */
  url: string;
  /** Requests per second, at most. */
  rate: number;
  /** Added to every request. */
  headers: () => Promise<Record<string, string>> | Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed if it is JSON; undefined if it is empty. */
  body: unknown;
  text: string;
}

/** Statuses that an adapter wants to see itself. All others outside 2xx are thrown. */
interface Expected {
  accepts?: number[];
}

/** How long an answer is waited for; ms. */
const patience = 20_000;

export class Http {
  private next = 0;

  constructor(private readonly options: HttpOptions) {}

  get(path: string, expected?: Expected): Promise<Answer> {
    return this.ask('GET', path, undefined, expected);
  }

  send(method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown, expected?: Expected): Promise<Answer> {
    return this.ask(method, path, body, expected);
  }

  private async ask(method: string, path: string, body: unknown, { accepts = [] }: Expected = {}): Promise<Answer> {
    await this.turn();
    const headers: Record<string, string> = { accept: 'application/json', ...(await this.options.headers()) };
    if (body !== undefined) headers['content-type'] ??= 'application/json';
    const where = `${method} ${path.split('?')[0]}`;
    const response = await fetch(`${this.options.url}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
    }).catch((error: unknown) => {
      throw unavailable(where, reasonOf(error), error);
    });
    const text = await response.text().catch((error: unknown) => {
      throw unavailable(where, 'the answer broke off', error);
    });
    const { status } = response;
    if (status === 429) this.holdOff(response.headers.get('retry-after'));
    if (!response.ok && !accepts.includes(status)) throw refusalOf(where, status);
    return { status, headers: response.headers, body: parse(text, response, where), text };
  }

  /** Waits until the next request may be made. */
  private async turn(): Promise<void> {
    const now = Date.now();
    const at = Math.max(now, this.next);
    this.next = at + 1000 / this.options.rate;
    if (at > now) await pause(at - now);
  }

  /** `Retry-After` in seconds, or a minute. */
  private holdOff(retryAfter: string | null): void {
    const seconds = Number(retryAfter);
    this.next = Date.now() + 1000 * (retryAfter !== null && seconds >= 0 ? Math.min(seconds, 600) : 60);
  }
}

/** Only codes: an answer may quote a customer. */
function refusalOf(where: string, status: number): CloseoutError {
  if (status === 401 || status === 403)
    return new CloseoutError(
      'SystemMisconfigured',
      `${where} answered ${status}: the login or a permission is missing.`,
    );
  if (
    status >= 500 ||
    status === 408 ||
    status === 409 ||
    status === 412 ||
    status === 423 ||
    status === 425 ||
    status === 429
  )
    return unavailable(where, `it answered ${status}`);
  if (status >= 300 && status < 400)
    return new CloseoutError('SystemMisconfigured', `${where} answered ${status}: redirects are not followed.`);
  return new CloseoutError('SystemRefused', `${where} answered ${status}.`);
}

const unavailable = (where: string, reason: string, cause?: unknown): CloseoutError =>
  new CloseoutError('SystemUnavailable', `${where}: ${reason}.`, undefined, { cause });

function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return name === 'TimeoutError'
    ? `no answer within ${patience / 1000} s`
    : `it cannot be reached (${cause?.code ?? name})`;
}

/** A page of a proxy, answered with 200, is no answer of the system. */
function parse(text: string, { headers, ok }: Response, where: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!ok || !/html/.test(headers.get('content-type') ?? '')) return undefined;
    throw unavailable(where, 'it answered a page instead of JSON', error);
  }
}

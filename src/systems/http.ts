/** The HTTP client of an adapter. It keeps to the rate limit, times out, and turns failures into Closeout's errors. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { z, type ZodType } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { now } from '../outside/database/clock.js';
import { minute, second } from '../policy/time.js';
import type { Pace } from '../outside/system-states.js';

export interface HttpOptions {
  /** Without a slash at the end. */
  url: string;
  pace: Pace;
  /** Added to every request. */
  headers: () => Promise<Record<string, string>> | Record<string, string>;
  /** Forgets a login that was refused, so that the next one is new; absent: there is only one. */
  forgetLogin?: () => void;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed if it is JSON; undefined if it is empty. */
  body: unknown;
  text: string;
}

interface Expected {
  /** Statuses that an adapter wants to see itself. All others outside 2xx are thrown. */
  accepts?: number[];
  /** Of this request only, such as If-Match. */
  headers?: Record<string, string>;
}

/** The context of a piece of work, which applies to all its requests. */
export interface RequestContext {
  /** Ends the requests. */
  signal?: AbortSignal;
  /** Throws if nothing may be changed any more. */
  beforeWrite?: () => Promise<unknown>;
}

const contexts = new AsyncLocalStorage<RequestContext>();

/** Of the piece of work that is under way. */
const contextSignal = (): AbortSignal | undefined => contexts.getStore()?.signal;

/** Ends at the context's signal, or after `ms`. */
export function endsWithin(ms: number): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  const signal = contextSignal();
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** Runs `work` so that its requests are aborted with the signal, and every writing request first awaits `beforeWrite`. */
export const runInContext = <T>(context: RequestContext, work: () => Promise<T>): Promise<T> =>
  contexts.run(context, work);

/** How long an answer, or a turn, is waited for. */
const requestTimeout = 20 * second;
const maxPause = 10 * minute;

export class Http {
  constructor(private readonly options: HttpOptions) {}

  get(path: string, expected?: Expected): Promise<Answer> {
    return this.ask('GET', path, undefined, expected);
  }

  send(method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown, expected?: Expected): Promise<Answer> {
    return this.ask(method, path, body, expected);
  }

  private async ask(method: string, path: string, body: unknown, expected: Expected = {}): Promise<Answer> {
    const { accepts = [], headers = {} } = expected;
    const { forgetLogin } = this.options;
    const where = whereOf(method, path);
    let response = await this.request(method, path, body, headers);
    if (response.status === 401 && forgetLogin) {
      forgetLogin();
      response = await this.request(method, path, body, headers);
    }
    const text = await textOf(response).catch((error: unknown) => {
      throw error instanceof CloseoutError ? error : unavailable(where, 'the response was cut off', error);
    });
    const { status } = response;
    const retryAfter = response.headers.get('retry-after');
    if (status === 429 || (status === 503 && retryAfter)) throw await this.holdOff(where, status, retryAfter);
    if (!response.ok && !accepts.includes(status)) throw refusalOf(method, where, status);
    return { status, headers: response.headers, body: parse(text, response, where), text };
  }

  private async request(method: string, path: string, body: unknown, own: Record<string, string>): Promise<Response> {
    const { url, headers: more } = this.options;
    const where = whereOf(method, path);
    await this.turn(where);
    const headers: Record<string, string> = { accept: 'application/json', ...(await more()), ...own };
    if (body !== undefined) headers['content-type'] ??= 'application/json';
    // It may have waited for its turn.
    if (method !== 'GET') await contexts.getStore()?.beforeWrite?.();
    return fetch(`${url}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'manual',
      signal: endsWithin(requestTimeout),
    }).catch((error: unknown) => {
      throw unavailable(where, reasonOf(error), error);
    });
  }

  /** Waits until the next request may be made. */
  private async turn(where: string): Promise<void> {
    const wait = await this.options.pace.next(requestTimeout);
    if (wait === undefined)
      throw unavailable(where, 'the rate limit does not allow a request now', undefined, requestTimeout);
    await pause(wait, undefined, { signal: contextSignal() }).catch((error: unknown) => {
      throw unavailable(where, 'it was cancelled', error);
    });
  }

  /** `Retry-After` is a number of seconds or a time; without it, a minute. */
  private async holdOff(where: string, status: number, retryAfter: string | null): Promise<CloseoutError> {
    const text = retryAfter ?? '';
    const given = /^\d+$/.test(text) ? Number(text) * second : Date.parse(text) - now().getTime();
    const length = Number.isNaN(given) ? minute : Math.max(0, Math.min(given, maxPause));
    await this.options.pace.holdOff(length);
    return unavailable(where, `it answered ${status}`, undefined, length);
  }
}

/** Longer than any page of tickets; bytes. */
const maxResponseLength = 32 * 2 ** 20;

export async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxResponseLength) throw new CloseoutError('SystemUnavailable', 'An answer is longer than 32 MiB.');
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** For messages, which must not quote what was searched for. */
const whereOf = (method: string, path: string): string => `${method} ${path.split('?')[0]}`;

/** Servers with numeric keys send numbers. */
export const anyId = z.union([z.string(), z.number()]).transform(String);

/** A response that does not match the API counts as unavailable. The error says only where it differs. */
export function parsed<T>(schema: ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join('.') || 'its top level';
  throw new CloseoutError('SystemUnavailable', `The response does not have the expected form, at ${where}.`);
}

/** Only codes: an answer may quote a customer. */
function refusalOf(method: string, where: string, status: number): CloseoutError {
  if (status === 401 || status === 403)
    return new CloseoutError(
      'SystemMisconfigured',
      `${where} answered ${status}: the login or a permission is missing.`,
    );
  // A list is always there; a proxy answers 404 while the system behind it restarts.
  const isGone = method === 'GET' && status === 404;
  if (isGone || status >= 500 || [408, 409, 412, 423, 425].includes(status))
    return unavailable(where, `it answered ${status}`);
  if (status >= 300 && status < 400)
    return new CloseoutError('SystemMisconfigured', `${where} answered ${status}: redirects are not followed.`);
  return new CloseoutError('SystemRefused', `${where} answered ${status}.`);
}

/** Of one ticket, while others are read: moved to where the login may not see it, made private, or archived. */
export const hidden = (ticketId: string): CloseoutError =>
  new CloseoutError('SystemRefused', `Ticket ${ticketId} exists, but the login may not see it.`);

const unavailable = (where: string, reason: string, cause?: unknown, retryAfter?: number): CloseoutError =>
  new CloseoutError('SystemUnavailable', `${where}: ${reason}.`, undefined, { cause, retryAfter });

function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return name === 'TimeoutError'
    ? `no answer within ${requestTimeout / second} s`
    : `it cannot be reached (${cause?.code ?? name})`;
}

/** A page of a proxy is no answer of the system, whatever its status. */
function parse(text: string, { headers }: Response, where: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/html/.test(headers.get('content-type') ?? '')) return undefined;
    throw unavailable(where, 'it returned an HTML page instead of JSON', error);
  }
}

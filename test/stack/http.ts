import { until } from './waiting.js';

/** The first answer that is not a 503, as when another request has had a lock for three seconds. */
export const untilServed = <T extends { status: number }>(send: () => Promise<T>): Promise<T> =>
  until('an answer', async () => {
    const answer = await send();
    return answer.status !== 503 && answer;
  });

/** Sends a page's form, as a browser does. */
export function post(
  link: string,
  form: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
) {
  const address = link.replace(/\?.*/, '');
  return fetch(address, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' });
}

/** OAuth2 client credentials (RFC 6749 §4.4): one token, fetched again shortly before it ends. */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import type { SystemSettings } from '../setup/systems-file.js';

const answer = z.looseObject({ access_token: z.string(), expires_in: z.coerce.number().default(300) });

/** A token is not used in its last seconds. */
const margin = 30_000;

export function oauthToken({ tokenUrl, clientId, clientSecret, scope }: NonNullable<SystemSettings['oauth']>) {
  let token = '';
  let until = 0;
  return async (): Promise<string> => {
    if (Date.now() < until) return token;
    const login = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) });
    const headers = { authorization: `Basic ${login}` };
    const response = await fetch(tokenUrl, {
      method: 'POST',
      body,
      headers,
      signal: AbortSignal.timeout(20_000),
    }).catch((error: unknown) => {
      throw new CloseoutError('SystemUnavailable', 'The token endpoint cannot be reached.', undefined, {
        cause: error,
      });
    });
    if (response.status >= 500)
      throw new CloseoutError('SystemUnavailable', `The token endpoint answered ${response.status}.`);
    const parsed = answer.safeParse(await response.json().catch(() => undefined));
    if (!response.ok || !parsed.success)
      throw new CloseoutError(
        'SystemMisconfigured',
        `The token endpoint answered ${response.status}, without a token.`,
      );
    token = parsed.data.access_token;
    until = Date.now() + parsed.data.expires_in * 1000 - margin;
    return token;
  };
}

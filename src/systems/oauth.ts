/** OAuth2 client credentials (RFC 6749 §4.4): one token, fetched again shortly before it ends, or when it is refused. */
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { second } from '../policy/time.js';
import { endsWithin, textOf } from './http.js';
import type { SystemSettings } from '../setup/systems-file.js';

const answer = z.looseObject({ access_token: z.string(), expires_in: z.coerce.number().default(300) });

/** A token is not used in its last seconds. */
const margin = 30 * second;
const requestTimeout = 20 * second;

export class OauthLogin {
  private token = '';
  private until = -Infinity;

  constructor(private readonly settings: NonNullable<SystemSettings['oauth']>) {}

  async bearer(): Promise<string> {
    if (performance.now() >= this.until) await this.fetchToken();
    return this.token;
  }

  forget(): void {
    this.until = -Infinity;
  }

  private async fetchToken(): Promise<void> {
    const { tokenUrl, clientId, clientSecret, scope } = this.settings;
    const login = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
    const response = await fetch(tokenUrl, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) }),
      headers: { authorization: `Basic ${login}` },
      signal: endsWithin(requestTimeout),
    }).catch((cause: unknown) => {
      throw new CloseoutError('SystemUnavailable', 'The token endpoint cannot be reached.', undefined, { cause });
    });
    const { status, ok } = response;
    const parsed = await textOf(response)
      .then((text) => answer.safeParse(JSON.parse(text) as unknown))
      .catch(() => undefined);
    const isPassing = ok ? !parsed?.success : status >= 500 || status === 408 || status === 429;
    if (isPassing || !parsed?.success || !ok)
      throw new CloseoutError(
        isPassing ? 'SystemUnavailable' : 'SystemMisconfigured',
        `The token endpoint answered ${status}, without a token.`,
      );
    this.token = parsed.data.access_token;
    this.until = performance.now() + parsed.data.expires_in * second - margin;
  }
}

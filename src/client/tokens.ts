/** The client's operations on tokens of the HTTP API. */
import { isReservedAuthor, scopes as allScopes, type ApiToken, type Scope, type Subject } from '../contract/access.js';
import { CloseoutError } from '../contract/errors.js';
import type { ApiTokens } from '../outside/access/api-tokens.js';

const namePattern = /^[A-Za-z][\w.@-]{0,63}$/;

export class TokenService {
  constructor(private readonly tokens: ApiTokens) {}

  /** Returns the token, which cannot be read again. Throws `BadInput`. */
  async create(name: string, scopes: readonly Scope[]): Promise<string> {
    if (!namePattern.test(name))
      throw new CloseoutError(
        'BadInput',
        'name must be at most 64 letters, digits, ".", "_", "@" or "-", and begin with a letter.',
        'name',
      );
    if (isReservedAuthor(name))
      throw new CloseoutError('BadInput', `name must not be ${name}, which is reserved by Closeout.`, 'name');
    if (scopes.length === 0)
      throw new CloseoutError('BadInput', `scope must be one or more of ${allScopes.join(', ')}.`, 'scope');
    const token = await this.tokens.create(name, scopes);
    if (token === undefined)
      throw new CloseoutError('BadInput', `Token ${name} already exists; revoke it, or choose another name.`, 'name');
    return token;
  }

  list(): Promise<ApiToken[]> {
    return this.tokens.list();
  }

  /** From now on, it is refused. Throws `NotFound`. */
  async revoke(name: string): Promise<void> {
    if (!(await this.tokens.revoke(name))) throw new CloseoutError('NotFound', `There is no token ${name}.`, 'name');
  }

  /** Undefined if the token is not known. */
  subjectOf(token: string): Promise<Subject | undefined> {
    return this.tokens.subjectOf(token);
  }
}

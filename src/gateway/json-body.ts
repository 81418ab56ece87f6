/** JSON bodies: parsed, and refused if they could not be stored or returned. */
import type { FastifyBodyParser, FastifyInstance, onRequestHookHandler } from 'fastify';
import { CloseoutError } from '../contract/errors.js';
import { isStorable } from '../contract/text.js';

export const mergePatch = 'application/merge-patch+json';

/** Levels of objects and arrays, the body included. Far below what would exhaust the stack of `JSON.stringify`. */
const maxLevels = 64;

export function parseJson(app: FastifyInstance): FastifyBodyParser<string> {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (request, text, done) => {
    // As if there were none, so that the route says what is missing.
    if (text === '') return done(null, undefined);
    void parse(request, text, (error, body?: unknown) => {
      if (error) return done(isJson(text) ? forbiddenName : error);
      try {
        assertStorable(body);
      } catch (refused) {
        return done(refused as CloseoutError);
      }
      done(null, body);
    });
  };
}

/** A type that names no body, as some clients send it with a DELETE, would be refused as unknown. */
export const ignoreTypeOfNoBody: onRequestHookHandler = ({ method, headers }, _reply, done) => {
  const isEmpty = (headers['content-length'] ?? '0') === '0' && headers['transfer-encoding'] === undefined;
  if (method === 'DELETE' && isEmpty) delete headers['content-type'];
  done();
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What Fastify's parser refuses in JSON that is valid. */
const forbiddenName = new CloseoutError(
  'BadInput',
  'The body has an attribute named __proto__ or constructor.prototype, which is not allowed.',
);

/** Throws `BadInput` that names the attribute of the body. */
function assertStorable(value: unknown, field = '', level = 1): void {
  if (typeof value === 'string' && !isStorable(value)) {
    const reason = 'contains the character NUL (U+0000) or half of a surrogate pair, which cannot be stored';
    throw new CloseoutError('BadInput', `${nameOf(field)} ${reason}.`, field);
  }
  if (typeof value !== 'object' || value === null) return;
  if (level > maxLevels)
    throw new CloseoutError(
      'BadInput',
      `${nameOf(field)} is nested too deeply; ${maxLevels} levels are allowed.`,
      field,
    );
  for (const [key, inner] of Object.entries(value)) {
    assertStorable(key, field || key);
    assertStorable(inner, field || key, level + 1);
  }
}

/** The name of an attribute may itself be unstorable. */
const nameOf = (field: string): string => (field && isStorable(field) ? field : 'The body');

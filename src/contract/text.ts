/** Text that PostgreSQL stores, and text of bounded length. */

/** A NUL, or half of a surrogate pair. */
const unstorable = /[\0\p{Surrogate}]/u;
const allUnstorable = new RegExp(unstorable, 'gu');

export const isStorable = (text: string): boolean => !unstorable.test(text);
export const storable = (text: string): string => text.replace(allUnstorable, '');

/** How long an author and the id of a change may be. */
export const maxAuthorLength = 200;

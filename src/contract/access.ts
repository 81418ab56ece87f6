/** Who may do what through HTTP. */

/** `read`: reports, figures, metrics; `write`: what other programs do; `operate`: what operators do. */
export const scopes = ['read', 'write', 'operate'] as const;
export type Scope = (typeof scopes)[number];

/** Authors that mean something to Closeout, such as `customer`; nobody may have such a name. */
const reservedAuthors = ['customer', 'closeout', 'signal', 'system of record'];
export const isReservedAuthor = (name: string): boolean => reservedAuthors.includes(name.trim().toLowerCase());

/** A name that was typed: with the shared token, anybody can type any. No named token can look like this. */
export const unverified = (name: string): string => `${name} (unverified)`;

/** Prefix of every named token, so that a leaked one is recognised. */
export const tokenPrefix = 'closeout_';

/** The sender of a request, as named in history and timeline. */
export interface Subject {
  name: string;
  scopes: readonly Scope[];
}

/** A token, without its secret. */
export interface ApiToken extends Subject {
  createdAt: string;
  /** To the hour. */
  lastUsedAt?: string;
}

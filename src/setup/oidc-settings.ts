/** CLOSEOUT_OIDC_…: operators log in through an OpenID Connect provider. */
import { z } from 'zod';
import type { Scope } from '../contract/access.js';
import { isLoopback } from '../contract/loopback.js';
import { refuse } from './setting.js';

export interface Oidc {
  issuer: URL;
  clientId: string;
  clientSecret: string;
  /** OAuth scopes to ask for. */
  scope: string;
  /** The claim, or the path to it, by which history and timeline name a user; without it, `sub` does. */
  nameClaim: string;
  /** The claim, or the path to it, that holds a user's roles or groups, and which of its values are which roles. */
  roleClaim: string;
  roles: { role: Role; value: string }[];
}

/** What each role may do. */
export const scopesOf = {
  viewer: ['read'],
  operator: ['read', 'operate'],
  admin: ['read', 'write', 'operate'],
} as const satisfies Record<string, Scope[]>;
type Role = keyof typeof scopesOf;

/** The value of a claim; of one within another, as `realm_access.roles`, that of its path. Undefined: the provider did not send it. */
export function claimIn(claims: Record<string, unknown>, claim: string): unknown {
  if (Object.hasOwn(claims, claim)) return claims[claim]; // the names of some have dots
  let value: unknown = claims;
  for (const name of claim.split('.'))
    value =
      value instanceof Object && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  return value;
}

const isRole = (word: string): word is Role => Object.hasOwn(scopesOf, word);

export const oidcSettings = {
  CLOSEOUT_OIDC_ISSUER: z
    .url({ protocol: /^https?$/, error: 'must be a URL that begins with https://' })
    .refine((issuer) => issuer.startsWith('https:') || isLoopback(issuer), 'must be a URL that begins with https://')
    .optional(),
  CLOSEOUT_OIDC_CLIENT_ID: z.string().optional(),
  CLOSEOUT_OIDC_CLIENT_SECRET: z.string().optional(),
  CLOSEOUT_OIDC_SCOPE: z
    .string()
    .refine((scope) => scope.split(' ').includes('openid'), 'must be words separated by spaces, one of them openid')
    .default('openid profile'),
  CLOSEOUT_OIDC_NAME_CLAIM: z.string().default('preferred_username'),
  CLOSEOUT_OIDC_CLAIM: z.string().default('roles'),
  CLOSEOUT_OIDC_ROLES: z.string().default('viewer=viewer; operator=operator; admin=admin'),
};

type Set = z.infer<z.ZodObject<typeof oidcSettings>>;

export function oidcFrom(set: Set): Oidc | undefined {
  const { CLOSEOUT_OIDC_ISSUER: issuer, CLOSEOUT_OIDC_CLIENT_ID: clientId, CLOSEOUT_OIDC_CLIENT_SECRET: secret } = set;
  if (issuer === undefined) return undefined;
  if (clientId === undefined) refuse('CLOSEOUT_OIDC_CLIENT_ID', 'must be set, because CLOSEOUT_OIDC_ISSUER is');
  if (secret === undefined) refuse('CLOSEOUT_OIDC_CLIENT_SECRET', 'must be set, because CLOSEOUT_OIDC_ISSUER is');
  return {
    issuer: new URL(issuer),
    clientId,
    clientSecret: secret,
    scope: set.CLOSEOUT_OIDC_SCOPE,
    nameClaim: set.CLOSEOUT_OIDC_NAME_CLAIM,
    roleClaim: set.CLOSEOUT_OIDC_CLAIM,
    roles: set.CLOSEOUT_OIDC_ROLES.split(';').map(roleFrom),
  };
}

function roleFrom(entry: string): Oidc['roles'][number] {
  const [, role = '', value = ''] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(entry) ?? [];
  if (isRole(role) && value !== '') return { role, value };
  return refuse(
    'CLOSEOUT_OIDC_ROLES',
    'must be role=value, separated by ";"; the roles are viewer, operator and admin',
  );
}

/** CLOSEOUT_SYSTEMS: a YAML file that names the programs around Closeout: who is notified of events. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { eventTypes, type EventType } from '../contract/events.js';
import { parseYaml, reasonOf } from './yaml-file.js';

export interface Webhook {
  url: string;
  /** The key of the signature. */
  secret: Buffer;
  /** Absent: all. */
  events?: EventType[];
  /** The address may be private, and the scheme http. */
  allowPrivate: boolean;
}

export interface SystemsFile {
  webhooks: Map<string, Webhook>;
}

const name = /^[a-z][a-z0-9-]{0,30}$/;
const nameRule = 'must begin with a lower-case letter, and have lower-case letters, digits and "-" only, at most 31';

/** Secrets are never in the file itself. */
const secret = z.union(
  [z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })],
  'must be { env: NAME } or { file: PATH }',
);
type Secret = z.infer<typeof secret>;

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' }),
  secret,
  events: z.array(z.enum(eventTypes)).min(1, 'must name at least one event').optional(),
  allowPrivate: z.boolean().default(false),
});

const file = z.strictObject({
  webhooks: z.record(z.string().regex(name, nameRule), webhook).default({}),
});

/** Throws `BadSetting` that names the setting and its line. Without a file, there are no other programs. */
export function loadSystems(path: string | undefined, env: NodeJS.ProcessEnv = process.env): SystemsFile {
  if (path === undefined) return { webhooks: new Map() };
  const { document, broken, lineOf } = parseYaml(readText(path));
  const refuse = (reason: string, line: number | undefined): never => {
    const where = `CLOSEOUT_SYSTEMS ${path}${line ? `, line ${line}` : ''}`;
    throw new CloseoutError('BadSetting', `${where}: ${reason}`, 'CLOSEOUT_SYSTEMS');
  };
  if (broken) return refuse(broken.message, broken.line);
  const parsed = file.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = issue?.path ?? [];
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
    return refuse(`${[...keys, ...unknown].join('.')} ${reasonOf(issue)}`, lineOf([...keys, ...unknown]));
  }
  const webhooks = Object.entries(parsed.data.webhooks).map(([id, { secret: given, ...rest }]): [string, Webhook] => {
    const keys = ['webhooks', id];
    if (rest.url.startsWith('http:') && !rest.allowPrivate)
      refuse(`webhooks.${id}.url must be https, unless allowPrivate is true`, lineOf([...keys, 'url']));
    const key = signingKey(readSecret(given, env));
    return [
      id,
      { ...rest, secret: key ?? refuse(`webhooks.${id}.secret ${keyRule(given)}`, lineOf([...keys, 'secret'])) },
    ];
  });
  return { webhooks: new Map(webhooks) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = `cannot be read: ${(error as Error).message}`;
    throw new CloseoutError('BadSetting', `CLOSEOUT_SYSTEMS ${path}: ${reason}`, 'CLOSEOUT_SYSTEMS');
  }
}

/** Undefined if it is not there. */
function readSecret(given: Secret, env: NodeJS.ProcessEnv): string | undefined {
  if ('env' in given) return env[given.env] || undefined;
  try {
    return readFileSync(given.file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Of 24 to 64 bytes, as Standard Webhooks says. */
function signingKey(text: string | undefined): Buffer | undefined {
  const base64 = text?.replace(/^whsec_/, '') ?? '';
  const key = Buffer.from(base64, 'base64');
  return /^[A-Za-z0-9+/]+=*$/.test(base64) && key.length >= 24 && key.length <= 64 ? key : undefined;
}

const keyRule = (given: Secret): string =>
  `must be 24 to 64 bytes in base64, with or without whsec_ before them; ${
    'env' in given ? `the variable ${given.env}` : `the file ${given.file}`
  } does not hold such a key`;

/** CLOSEOUT_SYSTEMS: a YAML file that names the programs around Closeout: ticket systems, and who is notified of events. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { eventTypes, type EventType } from '../contract/events.js';
import { second } from '../policy/time.js';
import { givenIn } from './environment.js';
import { duration } from './policy-schema.js';
import { faultsOf, parseYaml, readSettingsFile, settingsFault } from './yaml-file.js';

export interface Webhook {
  url: string;
  /** The key of the signature. */
  secret: Buffer;
  /** Absent: all. */
  events?: EventType[];
  /** The address may be private, and the scheme http. */
  allowPrivate: boolean;
}

const systemTypes = ['tmf621', 'request-tracker', 'redmine', 'django-helpdesk'] as const;
export type SystemType = (typeof systemTypes)[number];

/** An external ticket system. */
export interface SystemSettings {
  type: SystemType;
  /** Without a slash at the end. */
  url: string;
  /** How we log in: a token, or OAuth2 client credentials. */
  token?: string;
  oauth?: { tokenUrl: string; clientId: string; clientSecret: string; scope?: string };
  /** Which tickets are customers' problem reports, in the adapter's own terms. */
  only: Record<string, string>;
  /** Where the adapter finds what the system has no field of its own for: names of custom fields. */
  fields: Record<string, string>;
  /** Words that differ from the usual ones of the type. */
  status: { cleared?: string[]; closed?: string; cancelled?: string[]; reopened?: string };
  /** Time between two polls; ms. */
  poll: number;
  /** Requests per second, at most. */
  rate: number;
  writeBack: { closing: boolean; answer: boolean };
}

/** An alarm system whose alarms are reports. Paths into an alarm, such as `labels.customer`. */
export interface AlarmSource {
  type: 'alertmanager';
  token: string;
  /** Reports are opened in this external system; absent: in our own store. */
  system?: string;
  customer?: string;
  serviceProblem?: string;
  severity: string;
  email?: string;
}

export interface SystemsFile {
  alarms: Map<string, AlarmSource>;
  systems: Map<string, SystemSettings>;
  webhooks: Map<string, Webhook>;
}

const name = /^[a-z][a-z0-9-]{0,30}$/;
const nameRule = 'must be at most 31 lower-case letters, digits or "-", and begin with a letter';

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

const oneOrMore = z.union(
  [
    z
      .string()
      .min(1)
      .transform((word) => [word]),
    z.array(z.string().min(1)).min(1),
  ],
  'must be a status, or a list of them',
);

const text = z.union([z.string().min(1), z.number()]).transform(String);

/** What may be given for each type: an unknown key would mean nothing, and so too many tickets. */
const customFields = ['email', 'customer', 'serviceProblem', 'severity', 'ticketType', 'reference'];
const keysOf: Record<SystemType, { only: string[]; fields: string[] }> = {
  tmf621: { only: ['ticketType', 'severity', 'priority', '@type'], fields: [] },
  'request-tracker': { only: ['queue'], fields: customFields.filter((field) => field !== 'email') },
  redmine: { only: ['project'], fields: customFields },
  'django-helpdesk': { only: ['queue'], fields: [] },
};

/** The part of a system in which tickets are opened. A TMF621 system needs none. */
const placeOf: Partial<Record<SystemType, string>> = {
  'request-tracker': 'queue',
  redmine: 'project',
  'django-helpdesk': 'queue',
};

/** Why tickets cannot be opened in a system; undefined if they can. */
export function whyNoTicketCanBeOpened({ type, only }: Pick<SystemSettings, 'type' | 'only'>): string | undefined {
  const place = placeOf[type];
  const isMissing = place !== undefined && only[place] === undefined;
  return isMissing ? `no ticket can be opened in it, because only.${place} is not set` : undefined;
}

const systemSettings = z.strictObject({
  type: z.enum(systemTypes),
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' })
    .refine((url) => !/[@?#]/.test(url), 'must have no user, query or fragment')
    .transform((url) => url.replace(/\/+$/, '')),
  token: secret.optional(),
  oauth: z
    .strictObject({
      tokenUrl: z.url(),
      clientId: z.string().min(1),
      clientSecret: secret,
      scope: z.string().optional(),
    })
    .optional(),
  only: z.record(z.string(), text).default({}),
  fields: z.record(z.string(), text).default({}),
  status: z
    .strictObject({
      cleared: oneOrMore.optional(),
      closed: z.string().min(1).optional(),
      cancelled: oneOrMore.optional(),
      reopened: z.string().min(1).optional(),
    })
    .default({}),
  poll: duration.refine((ms) => ms >= second, 'must be at least 1s').default(30 * second),
  rate: z
    .string()
    .regex(/^\d{1,4}\/(s|m)$/, 'must be a number per second or minute, such as 5/s')
    .transform((given) => parseInt(given) / (given.endsWith('m') ? 60 : 1))
    .refine((perSecond) => perSecond >= 0.2, 'must be at least 12/m')
    .default(5),
  writeBack: z
    .strictObject({ closing: z.boolean().default(true), answer: z.boolean().default(true) })
    .default({ closing: true, answer: true }),
});

const system = systemSettings.superRefine(({ type, ...given }, context) => {
  for (const setting of ['only', 'fields'] as const) {
    const allowed = keysOf[type][setting];
    const unknown = Object.keys(given[setting]).find((key) => !allowed.includes(key));
    if (unknown === undefined) continue;
    const message = `is not supported for ${type}, which has ${allowed.join(', ') || `no ${setting}`}`;
    context.addIssue({ code: 'custom', path: [setting, unknown], message });
  }
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (type !== 'tmf621' && given.oauth) refuse(['oauth'], `is not supported for ${type}, which uses a token`);
  if (type !== 'tmf621' && !given.token) refuse(['token'], `is required for ${type}`);
  if (type === 'django-helpdesk' && !/^\d+$/.test(given.only['queue'] ?? '0'))
    refuse(['only', 'queue'], 'must be the number of the queue');
});

const path = z.string().regex(/^(labels|annotations)\.\w+$/, 'must be a path such as labels.customer');

const alarmSource = z.strictObject({
  type: z.literal('alertmanager', 'must be alertmanager'),
  token: secret,
  system: z.string().optional(),
  customer: path.optional(),
  serviceProblem: path.optional(),
  severity: path.default('labels.severity'),
  email: path.optional(),
});

const file = z.strictObject({
  alarms: z.record(z.string().regex(name, nameRule), alarmSource).default({}),
  systems: z.record(z.string().regex(name, nameRule), system).default({}),
  webhooks: z.record(z.string().regex(name, nameRule), webhook).default({}),
});

/** Throws `BadSetting` that names the setting and its line. Without a file, there are no other programs. */
export function loadSystems(path: string | undefined, env: NodeJS.ProcessEnv = process.env): SystemsFile {
  if (path === undefined) return { systems: new Map(), webhooks: new Map(), alarms: new Map() };
  const { document, broken, lineOf } = parseYaml(readSettingsFile('CLOSEOUT_SYSTEMS', path));
  const refuse = (reason: string, line: number | undefined): never => {
    throw settingsFault('CLOSEOUT_SYSTEMS', path, [{ reason, line }]);
  };
  if (broken) return refuse(broken.message, broken.line);
  const parsed = file.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw settingsFault('CLOSEOUT_SYSTEMS', path, faultsOf(parsed.error.issues, lineOf));
  const read = (given: Secret, keys: string[]): string => {
    const text = readSecret(given, env);
    return text || refuse(`${keys.join('.')} ${absent(given, text)}`, lineOf(keys));
  };
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
  const systems = Object.entries(parsed.data.systems).map(
    ([id, { token: given, oauth, ...rest }]): [string, SystemSettings] => {
      const keys = ['systems', id];
      const token = given && read(given, [...keys, 'token']);
      // A password of Request Tracker is encoded before it is sent.
      const isSent = token !== undefined && !(rest.type === 'request-tracker' && token.includes(':'));
      if (isSent && !/^[ -~]+$/.test(token))
        refuse(`systems.${id}.token must consist of ASCII characters`, lineOf([...keys, 'token']));
      const clientSecret = (from: Secret) => read(from, [...keys, 'oauth', 'clientSecret']);
      return [id, { ...rest, token, oauth: oauth && { ...oauth, clientSecret: clientSecret(oauth.clientSecret) } }];
    },
  );
  const alarms = Object.entries(parsed.data.alarms).map(([id, { token: given, ...rest }]): [string, AlarmSource] => {
    const at = (key: string) => lineOf(['alarms', id, key]);
    const system = rest.system === undefined ? undefined : parsed.data.systems[rest.system];
    if (rest.system !== undefined && !system) refuse(`alarms.${id}.system ${rest.system} does not exist`, at('system'));
    const reason = system && whyNoTicketCanBeOpened(system);
    if (reason) refuse(`alarms.${id}.system is ${rest.system}: ${reason}`, at('system'));
    const token = read(given, ['alarms', id, 'token']);
    if (token.length < 16) refuse(`alarms.${id}.token must have at least 16 characters`, at('token'));
    return [id, { ...rest, token }];
  });
  return { systems: new Map(systems), webhooks: new Map(webhooks), alarms: new Map(alarms) };
}

/** Undefined if it is not there. */
function readSecret(given: Secret, env: NodeJS.ProcessEnv): string | undefined {
  if ('env' in given) return givenIn(env)[given.env];
  try {
    return readFileSync(given.file, 'utf8').trim();
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

function absent(given: Secret, text: string | undefined): string {
  if ('env' in given) return `needs the variable ${given.env}, which is not set`;
  return `needs the file ${given.file}, which ${text === '' ? 'is empty' : 'cannot be read'}`;
}

const keyRule = (given: Secret): string =>
  `must be 24 to 64 bytes in base64, with or without whsec_ before them; ${
    'env' in given ? `the variable ${given.env}` : `the file ${given.file}`
  } does not hold such a key`;

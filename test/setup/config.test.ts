import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, loadDatabaseUrl, loadGatewayConfig, loadWorkerConfig } from '../../src/setup/config.js';

const settings = {
  CLOSEOUT_DATA: '/nowhere',
  DATABASE_URL: 'postgres://closeout@db.example/closeout',
  CLOSEOUT_API_TOKEN: 'a-token-that-is-long-enough-to-be-accepted',
  CLOSEOUT_LINK_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  CLOSEOUT_ADDRESS_KEY: Buffer.alloc(32).toString('base64'),
};
const elsewhere = {
  ...settings,
  SMTP_URL: 'smtp://relay.example:25',
  CLOSEOUT_PUBLIC_URL: 'https://care.example',
  CLOSEOUT_MAIL_FROM: 'Care <care@acme.example>',
};

test('a relay of this machine needs nothing else', () => {
  expect(loadConfig({ ...settings, SMTP_URL: 'smtp://127.0.0.1:1025' }).http.publicUrl).toBe('http://127.0.0.1:8080');
});

test('a relay elsewhere needs an address that customers reach, and a sender of one’s own', () => {
  expect(loadConfig(elsewhere).mail.from).toBe('Care <care@acme.example>');
});

test.each([
  ['CLOSEOUT_PUBLIC_URL', undefined],
  ['CLOSEOUT_PUBLIC_URL', 'http://localhost:8080'],
  ['CLOSEOUT_PUBLIC_URL', 'http://[::1]:8080'],
  ['CLOSEOUT_MAIL_FROM', undefined],
])('%s = %s is refused with a relay elsewhere', (name, value) => {
  expect(() => loadConfig({ ...elsewhere, [name]: value })).toThrow(`${name} must be`);
});

test.each(['"', "'"])('%s around a value is not part of it', (quote) => {
  const quoted = { ...elsewhere, CLOSEOUT_MAIL_FROM: `${quote}Care <care@acme.example>${quote}` };
  expect(loadConfig(quoted).mail.from).toBe('Care <care@acme.example>');
});

test('what is missing is named, all of it', () => {
  expect(() => loadConfig({ CLOSEOUT_DATA: '/nowhere' })).toThrow(
    /^Not set: DATABASE_URL, CLOSEOUT_ADDRESS_KEY.*CLOSEOUT_DATA\.$/,
  );
});

const oidc = { CLOSEOUT_OIDC_ISSUER: 'https://login.example', CLOSEOUT_OIDC_CLIENT_ID: 'closeout' };

test('roles are values of a claim, also such as a directory has', () => {
  const given = { ...elsewhere, ...oidc, CLOSEOUT_OIDC_CLIENT_SECRET: 'x' };
  const roles = 'viewer=noc-all; admin=cn=noc-leads,ou=groups';
  expect(loadConfig({ ...given, CLOSEOUT_OIDC_ROLES: roles }).oidc?.roles).toEqual([
    { role: 'viewer', value: 'noc-all' },
    { role: 'admin', value: 'cn=noc-leads,ou=groups' },
  ]);
});

test.each([
  ['CLOSEOUT_OIDC_CLIENT_SECRET', ''],
  ['CLOSEOUT_OIDC_CLIENT_ID', ''],
  ['CLOSEOUT_OIDC_ISSUER', 'login.example'],
  ['CLOSEOUT_OIDC_ISSUER', 'http://login.example'],
  ['CLOSEOUT_OIDC_ROLES', 'owner=noc'],
  ['CLOSEOUT_OIDC_ROLES', 'viewer'],
  ['CLOSEOUT_OIDC_SCOPE', 'profile email'],
])('%s = "%s" is refused for the log-in', (name, value) => {
  const given = { ...elsewhere, ...oidc, CLOSEOUT_OIDC_CLIENT_SECRET: 'x' };
  expect(() => loadConfig({ ...given, [name]: value })).toThrow(`${name} must be`);
});

test.each([
  ['CLOSEOUT_MAIL_FROM', 'a,b@acme.example', 'must be a mail address'],
  ['CLOSEOUT_MAIL_FROM', 'Care <care@acme..example>', 'must be a mail address'],
  ['CLOSEOUT_KEEP_DAYS', '9999999', 'must be at most 36500'],
  ['CLOSEOUT_ALERT_TO', 'noc', 'must be a mail address'],
  ['CLOSEOUT_WORKER_VERSIONING', 'maybe', 'must be one of yes, no'],
  ['CLOSEOUT_API_TOKEN', 'short', 'must have at least 16 characters'],
])('%s = "%s" is refused: it %s', (name, value, rule) => {
  expect(() => loadConfig({ ...elsewhere, [name]: value })).toThrow(`${name} ${rule}`);
});

const ofProcess = {
  ...elsewhere,
  SMTP_URL: 'smtp://127.0.0.1:1025',
  CLOSEOUT_ALERT_TO: 'noc@acme.example',
  TEMPORAL_ADDRESS: 'temporal.example:7233',
};

const ofBoth = [
  'DATABASE_URL',
  'CLOSEOUT_PUBLIC_URL',
  'CLOSEOUT_MAIL_FROM',
  'CLOSEOUT_ALERT_TO',
  'CLOSEOUT_LINK_KEYS',
  'CLOSEOUT_ADDRESS_KEY',
  'TEMPORAL_ADDRESS',
];

test.each([
  ...ofBoth.map((name) => ['gateway', name] as const),
  ...ofBoth.map((name) => ['worker', name] as const),
  ['gateway', 'CLOSEOUT_API_TOKEN'] as const,
  ['worker', 'SMTP_URL'] as const,
])('a %s needs %s', (process, name) => {
  const load = process === 'worker' ? loadWorkerConfig : loadGatewayConfig;
  expect(load(ofProcess).mail.alertTo).toBe('noc@acme.example');
  expect(() => load({ ...ofProcess, [name]: undefined })).toThrow(`Not set: ${name}.`);
});

test('a setting that is blank, as of an empty file, is not set', () => {
  expect(loadWorkerConfig({ ...ofProcess, CLOSEOUT_KEEP_DAYS: ' \n' }).keepDays).toBe(365);
  expect(() => loadWorkerConfig({ ...ofProcess, CLOSEOUT_ALERT_TO: ' ' })).toThrow('Not set: CLOSEOUT_ALERT_TO.');
});

test('mails are signed with an RSA key, and no other is accepted', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'closeout-dkim-')), 'dkim.pem');
  const dkimWith = ({ privateKey }: { privateKey: KeyObject }) => {
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return loadWorkerConfig({ ...ofProcess, CLOSEOUT_DKIM_KEY: file }).relay.dkim;
  };
  expect(dkimWith(generateKeyPairSync('rsa', { modulusLength: 2048 }))).toMatchObject({ keySelector: 'closeout' });
  for (const other of [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'P-256' })])
    expect(() => dkimWith(other)).toThrow('CLOSEOUT_DKIM_KEY must name a file with a private RSA key in PEM');
});

test('no process needs the secrets of another one', () => {
  const noKey = { CLOSEOUT_DKIM_KEY: '/nowhere/dkim.pem' };
  expect(loadGatewayConfig({ ...ofProcess, ...noKey, SMTP_URL: undefined }).apiToken).toBe(settings.CLOSEOUT_API_TOKEN);
  expect(loadWorkerConfig({ ...ofProcess, CLOSEOUT_API_TOKEN: undefined }).relay.smtpUrl).toBe('smtp://127.0.0.1:1025');
  expect(() => loadWorkerConfig({ ...ofProcess, ...noKey })).toThrow('CLOSEOUT_DKIM_KEY must name a file');
  const { CLOSEOUT_DATA, DATABASE_URL, CLOSEOUT_ADDRESS_KEY } = settings;
  expect(loadConfig({ CLOSEOUT_DATA, DATABASE_URL, CLOSEOUT_ADDRESS_KEY }).databaseUrl).toBe(DATABASE_URL);
});

test('a migration needs the address of the database, and no secret of the processes', () => {
  const { CLOSEOUT_DATA, DATABASE_URL } = settings;
  expect(loadDatabaseUrl({ CLOSEOUT_DATA, DATABASE_URL })).toBe(DATABASE_URL);
  expect(() => loadDatabaseUrl({ CLOSEOUT_DATA })).toThrow('Not set: DATABASE_URL.');
});

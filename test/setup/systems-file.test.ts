import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSystems } from '../../src/setup/systems-file.js';

const key = Buffer.alloc(32, 7).toString('base64');

function file(yaml: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'closeout-systems-')), 'systems.yaml');
  writeFileSync(path, yaml);
  return path;
}

test('without a file there are no other programs', () => expect(loadSystems(undefined).webhooks.size).toBe(0));

test('a webhook gets its key from a variable or a file', () => {
  const path = file(`webhooks:
  crm: { url: "https://crm.example/hook", secret: { env: CRM } }
  erp: { url: "http://10.0.0.1/hook", secret: { file: "${file(`${key}\n`)}" }, allowPrivate: true, events: [report.closed] }
`);
  const { webhooks } = loadSystems(path, { CRM: `whsec_${key}` });
  expect(webhooks.get('crm')).toEqual({
    url: 'https://crm.example/hook',
    secret: Buffer.alloc(32, 7),
    allowPrivate: false,
  });
  expect(webhooks.get('erp')).toMatchObject({ events: ['report.closed'], secret: Buffer.alloc(32, 7) });
});

test.each([
  ['webhooks: { Crm: {} }', 'webhooks.Crm must be'],
  ['webhooks: { crm: { secret: { env: CRM } } }', 'line 1: webhooks.crm.url must be a URL'],
  [
    'webhooks:\n  crm:\n    url: http://crm.example\n    secret: { env: CRM }\n',
    'line 3: webhooks.crm.url must be https',
  ],
  ['webhooks: { crm: { url: "https://a.example", secret: plain } }', 'webhooks.crm.secret must be { env: NAME }'],
  ['webhooks: { crm: { url: "https://a.example", secret: { env: NO } } }', 'the variable NO does not hold such a key'],
  ['webhooks: { crm: { url: "https://a.example", secret: { file: /no } } }', 'the file /no does not hold such a key'],
  ['webhooks: { crm: { url: "https://a.example", secret: { env: SHORT } } }', 'must be 24 to 64 bytes in base64'],
  [
    'webhooks: { crm: { url: "https://a.example", secret: { env: CRM }, events: [report.shut] } }',
    'must be one of report.opened',
  ],
  ['hooks: {}', 'hooks is not a setting'],
  [
    'systems:\n  desk:\n    type: redmine\n    url: https://a.example\n    only: { projct: support }\n',
    'line 5: systems.desk.only.projct is not supported for redmine, which has project',
  ],
  [
    'systems: { desk: { type: django-helpdesk, url: "https://a.example", fields: { email: Mail } } }',
    'systems.desk.fields.email is not supported for django-helpdesk, which has no fields',
  ],
  ['systems: { desk: { type: redmine, url: "https://a.example", rate: 1/m } }', 'must be at least 12/m'],
  ['systems: { desk: { type: redmine, url: "https://a.example" } }', 'systems.desk.token is required for redmine'],
  [
    'systems: { desk: { type: request-tracker, url: "https://user:pw@a.example", token: { env: CRM } } }',
    'systems.desk.url must have no user, query or fragment',
  ],
  [
    'systems: { desk: { type: redmine, url: "https://a.example", token: { env: DASH } } }',
    'systems.desk.token must consist of ASCII characters',
  ],
  [
    'systems: { desk: { type: redmine, url: "https://a.example", token: { file: /dev/null } } }',
    'systems.desk.token needs the file /dev/null, which is empty',
  ],
  [
    'systems: { desk: { type: django-helpdesk, url: "https://a.example", token: { env: CRM }, only: { queue: support } } }',
    'systems.desk.only.queue must be the number of the queue',
  ],
  [
    `alarms: { prom: { type: alertmanager, token: { env: CRM }, system: desk } }
systems: { desk: { type: redmine, url: "https://a.example", token: { env: CRM } } }`,
    'alarms.prom.system is desk: no ticket can be opened in it, because only.project is not set',
  ],
  [
    'alarms: { prom: { type: alertmanager, token: { env: SHORT } } }',
    'alarms.prom.token must have at least 16 characters',
  ],
  ['webhooks: [', 'CLOSEOUT_SYSTEMS'],
])('%s is refused, and the message says %s', (yaml, message) => {
  expect(() => loadSystems(file(yaml), { CRM: key, SHORT: 'c2hvcnQ=', DASH: 'a–b' })).toThrow(message);
});

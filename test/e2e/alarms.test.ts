import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../stack/commands.js';
import { Stack } from '../stack/stack.js';
import { callApi } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';

const token = 'the-token-of-the-alarm-system';
let stack: Stack;
beforeAll(async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'closeout-test-alarms-')), 'systems.yaml');
  const source = `{ type: alertmanager, token: { env: ALARM_TOKEN }, customer: labels.customer, serviceProblem: labels.site, email: annotations.contact }`;
  await writeFile(path, `alarms:\n  prometheus: ${source}\n`);
  const policy = `
default: { survey: { contactCap: null } }
rules:
  - when: { severity: flapping }
    holdDown: 3s
  - when: { severity: final }
    reopen: { within: 0s }
`;
  stack = await Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: path, ALARM_TOKEN: token } });
});
afterAll(() => stack.end());

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

/** Of Alertmanager's documentation. */
const webhook = (status: 'firing' | 'resolved', fingerprint: string, startsAt: string, severity = 'critical') => ({
  version: '4',
  groupKey: '{}:{alertname="LinkDown"}',
  status,
  receiver: 'closeout',
  alerts: [
    {
      status,
      labels: { alertname: 'LinkDown', severity, customer: `C-${fingerprint}`, site: 'SP-lyon' },
      annotations: { summary: `Link ${fingerprint} is down`, contact: `${fingerprint}@customers.example` },
      startsAt,
      endsAt: status === 'resolved' ? minutesAgo(0) : '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus.example/graph',
      fingerprint,
    },
  ],
});
const send = async (body: object, given = token) =>
  callApi(stack, 'POST', '/alarms/prometheus', body, { authorization: `Bearer ${given}` });
/** In the order in which they were written. */
const statusesOf = async (id: string) => {
  const rows = await stack.sql<{ status: string }>(
    'select status from status_changes where report_id = $1 order by id',
    [id],
  );
  return rows.map(({ status }) => status);
};
const reportsOf = async (fingerprint: string) =>
  (await stack.client.list({ filter: { externalId: fingerprint }, sort: ['creationDate'] })).reports;

test('an alarm that fires is a report; its end closes it and asks the customer; doubled webhooks count once', async () => {
  const firing = webhook('firing', 'a1', minutesAgo(10));
  const answers = await Promise.all([send(firing), send(firing)]);
  expect(answers.map(({ body }) => Object.keys(body).join()).sort()).toEqual(['opened', 'unchanged']);
  const [report] = await reportsOf('a1');
  expect(report).toMatchObject({
    name: 'Link a1 is down',
    ticketType: 'alarm',
    customerId: 'C-a1',
    serviceProblemId: 'SP-lyon',
  });
  const resolved = webhook('resolved', 'a1', firing.alerts[0]?.startsAt ?? '');
  await Promise.all([send(resolved), send(resolved)]);
  await stack.untilSurvey(report?.id ?? '', 'sent');
  expect(await stack.mails(report?.id)).toHaveLength(1);
  expect((await send(resolved)).body).toEqual({ unchanged: 1 });
  expect((await send(firing)).body).toEqual({ unchanged: 1 }); // late
  expect(await reportsOf('a1')).toHaveLength(1);
});

test('the end of an alarm that nobody had seen begin leaves nothing behind', async () => {
  expect((await send(webhook('resolved', 'unseen', minutesAgo(5)))).body).toEqual({ unchanged: 1 });
  expect(await stack.sql(`select from alarms where fingerprint = 'unseen'`)).toEqual([]);
});

test('an alarm that flaps is held down, and its customer hears of it once', async () => {
  for (const minutes of [9, 8, 7]) {
    await send(webhook('firing', 'f1', minutesAgo(minutes), 'flapping'));
    await send(webhook('resolved', 'f1', minutesAgo(minutes), 'flapping'));
  }
  const [report, ...others] = await reportsOf('f1');
  expect(others).toEqual([]);
  expect(await stack.untilSurvey(report?.id ?? '', 'sent')).toMatchObject({ cycle: 1 });
  expect(await stack.mails(report?.id)).toHaveLength(1);
});

test('an alarm that fires again reopens its report, or opens a follow-up when that is too late', async () => {
  for (const [fingerprint, severity, expected] of [
    ['again', 'critical', 'reopened'],
    ['final', 'final', 'opened'],
  ] as const) {
    await send(webhook('firing', fingerprint, minutesAgo(9), severity));
    await send(webhook('resolved', fingerprint, minutesAgo(9), severity));
    const [report] = await reportsOf(fingerprint);
    await stack.untilSurvey(report?.id ?? '', 'sent');
    expect((await send(webhook('firing', fingerprint, minutesAgo(1), severity))).body).toEqual({ [expected]: 1 });
    const reports = await reportsOf(fingerprint);
    expect(reports).toHaveLength(expected === 'opened' ? 2 : 1);
    if (expected === 'reopened') await stack.untilPhase(report?.id ?? '', 'open', 2);
    else
      expect(reports.find(({ id }) => id !== report?.id)?.document['troubleTicketRelationship']).toMatchObject([
        { id: report?.id, relationshipType: 'followUp' },
      ]);
  }
});

test('an alarm that fires again with the same start, because Prometheus was cut off, opens its report again, once', async () => {
  const startsAt = minutesAgo(30);
  const [firing, resolved] = [webhook('firing', 'cut', startsAt), webhook('resolved', 'cut', startsAt)];
  await send(firing);
  const [report] = await reportsOf('cut');
  for (const cycle of [1, 2]) {
    await Promise.all([send(resolved), send(resolved)]);
    await stack.untilPhase(report?.id ?? '', 'surveying', cycle);
    await stack.sql(`update alarms set ended_at = ended_at - interval '6 minutes' where fingerprint = 'cut'`);
    const answers = await Promise.all([send(firing), send(firing)]);
    expect(answers.map(({ body }) => Object.keys(body).join()).sort()).toEqual(['reopened', 'unchanged']);
    await stack.untilPhase(report?.id ?? '', 'open', cycle + 1);
  }
  expect(await reportsOf('cut')).toHaveLength(1);
});

test('what happens while no worker runs counts in the order in which it came', async () => {
  const worker = (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(stack.pids()['worker'] ?? NaN, signal);
  for (const fingerprint of ['down', 'up']) await send(webhook('firing', fingerprint, minutesAgo(9)));
  const [down, up] = [(await reportsOf('down'))[0]?.id ?? '', (await reportsOf('up'))[0]?.id ?? ''];
  await send(webhook('resolved', 'up', minutesAgo(9)));
  await stack.untilSurvey(up, 'sent');
  worker('SIGSTOP');
  await send(webhook('resolved', 'down', minutesAgo(9)));
  for (const fingerprint of ['down', 'up']) await send(webhook('firing', fingerprint, minutesAgo(5)));
  await send(webhook('resolved', 'up', minutesAgo(5)));
  worker('SIGCONT');
  await stack.untilPhase(up, 'surveying', 2);
  await until('it to be open again', async () => (await statusesOf(down)).at(-1) === 'inProgress');
});

test('an alarm of two Prometheus servers ends, although it began earlier than it was first reported', async () => {
  const [first, second] = [minutesAgo(30), minutesAgo(20)];
  expect((await send(webhook('firing', 'pair', second))).body).toEqual({ opened: 1 });
  expect((await send(webhook('firing', 'pair', first))).body).toEqual({ unchanged: 1 });
  const earlier = webhook('resolved', 'pair', first);
  for (const alert of earlier.alerts) alert.endsAt = minutesAgo(25);
  expect((await send(earlier)).body).toEqual({ unchanged: 1 });
  const [report] = await reportsOf('pair');
  expect(report).toMatchObject({ status: 'acknowledged' });
  expect((await send(webhook('resolved', 'pair', first))).body).toEqual({ cleared: 1 });
  await stack.untilSurvey(report?.id ?? '', 'sent');
});

test('an end counts although an earlier firing with its start has ended before', async () => {
  const [first, second] = [minutesAgo(30), minutesAgo(20)];
  await send(webhook('firing', 'merged', first));
  const [report] = await reportsOf('merged');
  const id = report?.id ?? '';
  await send(webhook('resolved', 'merged', first));
  await stack.untilSurvey(id, 'sent');
  expect((await send(webhook('firing', 'merged', second))).body).toEqual({ reopened: 1 });
  await stack.untilPhase(id, 'open', 2);
  await send(webhook('resolved', 'merged', first));
  await until('it to be closed again', async () => (await stack.client.get(id)).status === 'closed');
  expect((await stack.client.get(id)).cycle).toBe(2);
});

test('an alarm that is refused does not hold up those behind it', async () => {
  const [refused, accepted] = ['bad', 'good'].map((name) => webhook('firing', name, minutesAgo(1)));
  const [first] = refused?.alerts ?? [];
  const long = { ...first, labels: { ...first?.labels, customer: 'C'.repeat(300) } };
  const answer = await send({ ...refused, alerts: [long, ...(accepted?.alerts ?? [])] });
  expect(answer).toMatchObject({ status: 400, body: { field: 'customerId' } });
  expect(await reportsOf('good')).toHaveLength(1);
});

test('a storm of more than five thousand alarms in one webhook is accepted', async () => {
  const resolved = webhook('resolved', 'storm', minutesAgo(1));
  const alerts = Array.from({ length: 6000 }, (_, n) => ({ ...resolved.alerts[0], fingerprint: `storm-${n}` }));
  expect(await send({ ...resolved, alerts, truncatedAlerts: 7 })).toMatchObject({
    status: 200,
    body: { unchanged: alerts.length },
  });
});

test('an alarm whose texts are empty is named by its alert', async () => {
  const firing = webhook('firing', 'empty', minutesAgo(1));
  const [first] = firing.alerts;
  expect(
    (await send({ ...firing, alerts: [{ ...first, annotations: { summary: ' ', description: '' } }] })).status,
  ).toBe(200);
  expect(await reportsOf('empty')).toHaveLength(1);
});

test('a webhook without its token, or with another body, is refused', async () => {
  expect((await send(webhook('firing', 'x1', minutesAgo(1)), 'wrong')).status).toBe(401);
  expect((await callApi(stack, 'POST', '/alarms/nobody', {}, { authorization: `Bearer ${token}` })).status).toBe(401);
  expect(await send({ version: '3', alerts: [] })).toMatchObject({ status: 400, body: { field: 'version' } });
  const [alert] = webhook('firing', 'x1', 'yesterday').alerts;
  expect(await send({ version: '4', alerts: [alert] })).toMatchObject({
    status: 400,
    body: { field: 'alerts[0].startsAt' },
  });
  expect(await reportsOf('x1')).toEqual([]);
  const tickets = '/tmf-api/troubleTicket/v4/troubleTicket';
  const authorization = { authorization: `Bearer ${token}`, 'x-forwarded-for': '192.0.2.1' };
  expect((await callApi(stack, 'GET', tickets, undefined, authorization)).status).toBe(401);
});

const alertmanager = '/usr/bin/prometheus-alertmanager';
const live = existsSync(alertmanager) ? test : test.skip;

live(
  'a real Alertmanager (apt-get install prometheus-alertmanager): an alert that fires and ends reaches the customer',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'closeout-test-alertmanager-'));
    const [port] = await freePorts(1);
    const config = `
route: { receiver: closeout, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: closeout
    webhook_configs:
      - url: ${stack.url('/alarms/prometheus')}
        send_resolved: true
        http_config: { authorization: { credentials: ${token} } }
`;
    await writeFile(join(folder, 'alertmanager.yml'), config);
    const args = [
      `--config.file=${folder}/alertmanager.yml`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child: ChildProcess = spawn(alertmanager, [...args, '--cluster.listen-address='], { stdio: 'ignore' });
    try {
      const labels = { alertname: 'LinkDown', customer: 'C-live', severity: 'critical' };
      const annotations = { summary: 'Link live is down', contact: 'live@customers.example' };
      const post = (more: object) =>
        fetch(`http://127.0.0.1:${port}/api/v2/alerts`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify([{ labels, annotations, ...more }]),
        });
      const startsAt = minutesAgo(1);
      await until('Alertmanager', async () => (await post({ startsAt }).catch(() => undefined))?.status === 200);
      const find = async () => (await stack.client.listWithStatus({ customer: 'C-live', limit: 1 })).reports[0]?.report;
      const report = await until('the report', async () => (await find()) ?? false);
      await post({ startsAt, endsAt: minutesAgo(0) });
      await stack.untilSurvey(report.id, 'sent');
      const [mail] = await stack.untilMails(report.id, 1);
      expect(mail?.to).toMatchObject({ text: expect.stringContaining('live@customers.example') as string });
    } finally {
      child.kill();
    }
  },
);

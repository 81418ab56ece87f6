import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import type { CloudEvent } from '../../src/contract/events.js';
import { loadGatewayConfig } from '../../src/setup/config.js';
import { cleanEnv, freePorts } from '../stack/commands.js';
import { post } from '../stack/http.js';
import { ScriptedHttpServer } from '../stack/scripted-http-server.js';
import { Stack } from '../stack/stack.js';
import { callApi, ticket, ticketPath } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';

const hubPath = ticketPath.replace('troubleTicket/v4/troubleTicket', 'troubleTicket/v4/hub');
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const crm = new ScriptedHttpServer();
const closings = new ScriptedHttpServer();
const phone = new ScriptedHttpServer();
let stack: Stack;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'closeout-test-systems-'));
  const systems = join(folder, 'systems.yaml');
  const local = 'allowPrivate: true, secret: { env: EVENT_SECRET }';
  await writeFile(
    systems,
    `webhooks:
  crm: { url: "${await crm.listen()}/hook", ${local} }
  closings: { url: "${await closings.listen()}/hook", events: [report.closed], ${local} }
  phone: { url: "${await phone.listen()}/hook", events: [survey.ready], ${local} }
`,
  );
  const policy = `
default: { survey: { contactCap: null } }
rules:
  - when: { ticketType: handover }
    survey: { channel: handover }
`;
  stack = await Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: systems, EVENT_SECRET: secret } });
});
afterAll(async () => {
  await stack.end();
  for (const server of [crm, closings, phone]) await server.close();
});

const eventsOf = (server: ScriptedHttpServer, id: string): CloudEvent[] =>
  server.seen.map(({ body }) => JSON.parse(body) as CloudEvent).filter(({ subject }) => subject === id);
const typesOf = (server: ScriptedHttpServer, id: string) => eventsOf(server, id).map(({ type }) => type);

test('what happens to a report is notified in order, signed so that a foreign library verifies it', async () => {
  const mail = await stack.ask('EVENT-1', { customerId: 'C-1', externalId: 'X-1' });
  await post(/http\S+\/s\/\S+/.exec(mail.text ?? '')?.[0] ?? '', { score: '1', comment: 'zebra words' });
  await stack.untilPhase('EVENT-1', 'done');
  await stack.client.reopen('EVENT-1');
  await stack.client.cancel('EVENT-1');
  const surveys = ['survey.sent', 'survey.answered'];
  const types = ['opened', 'cleared', 'closed', ...surveys, 'reopened', 'cancelled', 'survey.skipped'];
  const expected = types.map((type) => (type.includes('.') ? type : `report.${type}`));
  await until('the events', () => typesOf(crm, 'EVENT-1').length >= expected.length);
  expect(typesOf(crm, 'EVENT-1')).toEqual(expected);
  const answered = eventsOf(crm, 'EVENT-1')[4];
  expect(answered).toMatchObject({
    specversion: '1.0',
    source: stack.url(''),
    data: { reportId: 'EVENT-1', cycle: 1, customerId: 'C-1', externalId: 'X-1', score: 1, scale: 'satisfaction' },
  });
  for (const { body, headers } of crm.seen) {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(body).not.toMatch(/zebra|customers\.example|No dial tone/);
  }
  expect(typesOf(closings, 'EVENT-1')).toEqual(['report.closed']);
});

test('while a listener fails, the closing goes on; then it gets everything, in order, with the same ids', async () => {
  closings.script = ({ body }, earlier) =>
    body.includes('DOWN-') && earlier.filter((seen) => seen.body.includes('DOWN-')).length < 3 ? { status: 503 } : {};
  await stack.open('DOWN-1');
  await stack.client.clear('DOWN-1');
  await stack.untilSurvey('DOWN-1', 'sent');
  await until('a failure', async () => (await listener('closings')).failingSince !== undefined);
  expect((await listener('closings')).reason).toBe('it answered 503');
  await stack.client.reopen('DOWN-1');
  await stack.client.clear('DOWN-1');
  await until('both closings', () => new Set(eventsOf(closings, 'DOWN-1').map(({ id }) => id)).size === 2);
  const cycles = eventsOf(closings, 'DOWN-1').map(({ data }) => data['cycle']);
  expect(cycles).toEqual([...cycles].sort());
  await until('it to be fine', async () => {
    const { failingSince, waiting } = await listener('closings');
    return failingSince === undefined && waiting === 0;
  });
});

const listener = async (name: string) => {
  const found = (await stack.client.events.listeners()).find((one) => one.name === name);
  if (!found) throw new Error(`no listener ${name}`);
  return found;
};

test('a redirect is not followed', async () => {
  closings.script = () => ({ status: 302, headers: { location: '/elsewhere' } });
  await stack.ask('AWAY-1');
  await until(
    'the refusal',
    async () => (await listener('closings')).reason === 'it answered 302: redirects are not followed',
  );
  closings.script = () => ({});
  await until('the delivery', async () => (await listener('closings')).waiting === 0);
  expect(closings.seen.some(({ path }) => path === '/elsewhere')).toBe(false);
});

test('who wants no more events is parked, with an alert, until an operator resumes; nothing is lost', async () => {
  closings.script = () => ({ status: 410 });
  await stack.ask('GONE-1');
  const { parkedAt } = await until('it to be parked', async () => {
    const found = await listener('closings');
    return found.parkedAt !== undefined && found;
  });
  expect(parkedAt).toBeDefined();
  await until('the alert', async () =>
    (await stack.mails()).some(({ subject }) => subject === 'Delivery of events stopped: listener closings'),
  );
  closings.script = () => ({});
  await stack.ask('GONE-2');
  expect((await stack.closeout('events', 'list')).stdout).toMatch(/closings\twebhook\t2\tparked/);
  const metrics = await (await fetch(stack.url('/metrics'))).text();
  expect(metrics).toContain('closeout_events_waiting{listener="closings"} 2');
  expect(metrics).toContain('closeout_listener_parked{listener="closings"} 1');
  expect((await stack.closeout('events', 'resume', 'nobody')).stderr).toContain('There is no listener nobody.');
  await stack.closeout('events', 'resume', 'closings');
  await until('both', () => ['GONE-1', 'GONE-2'].every((id) => typesOf(closings, id).length > 0));
});

test('events since a time are delivered once more', async () => {
  const since = new Date().toISOString();
  await stack.ask('AGAIN-1');
  await until('the event', () => typesOf(closings, 'AGAIN-1').length === 1);
  await until('its delivery', async () => (await listener('closings')).waiting === 0);
  const { stdout } = await stack.closeout('events', 'replay', '--since', since, '--listener', 'closings');
  expect(stdout).toBe('1 events will be delivered again.\n');
  await until('the second', () => typesOf(closings, 'AGAIN-1').length === 2);
  const [first, second] = eventsOf(closings, 'AGAIN-1');
  expect(second?.id).toBe(first?.id);
});

describe('the hub of TMF621', () => {
  const subscribe = (callback: string, query?: string) => callApi(stack, 'POST', hubPath, { callback, query });

  test('sends the standard’s own events to who asks for them, until they do so no more', async () => {
    const everything = new ScriptedHttpServer();
    const resolved = new ScriptedHttpServer();
    const all = await subscribe(`${await everything.listen()}/listener`);
    expect(all).toMatchObject({ status: 201, body: { callback: expect.stringContaining('/listener') as string } });
    expect(all.headers.get('location')).toBe(stack.url(`${hubPath}/${all.body.id}`));
    const query = 'eventType=TroubleTicketStatusChangeEvent,TroubleTicketResolvedEvent&severity=Major&fields=status';
    const callback = `${await resolved.listen()}/listener`;
    const first = await subscribe(callback, query);
    // As a listener that registers whenever it starts.
    expect((await subscribe(callback, query)).body.id).toBe(first.body.id);

    const { body: minor } = await callApi(stack, 'POST', ticketPath, ticket({ severity: 'Minor' }));
    const { body: major } = await callApi(stack, 'POST', ticketPath, ticket({ severity: 'Major' }));
    const path = `${ticketPath}/${major.id}`;
    await callApi(stack, 'PATCH', path, { priority: 'high' });
    await callApi(stack, 'PATCH', path, { status: 'pending', priority: 'low' });
    for (const { id } of [minor, major]) await callApi(stack, 'PATCH', `${ticketPath}/${id}`, { status: 'resolved' });
    const of = (server: ScriptedHttpServer, id: string) =>
      server.seen
        .map(({ body }) => JSON.parse(body) as { eventType: string; event: { troubleTicket: Record<string, unknown> } })
        .filter(({ event }) => event.troubleTicket['id'] === id);
    await until('the closing', () => of(everything, major.id).at(-1)?.event.troubleTicket['status'] === 'closed');
    const steps = of(everything, major.id).map(({ eventType, event }) => [
      eventType.replace('TroubleTicket', ''),
      event.troubleTicket['status'],
    ]);
    expect(steps).toEqual([
      ['CreateEvent', 'acknowledged'],
      ['AttributeValueChangeEvent', 'acknowledged'],
      ['StatusChangeEvent', 'pending'],
      ['InformationRequiredEvent', 'pending'],
      ['AttributeValueChangeEvent', 'pending'],
      ['StatusChangeEvent', 'resolved'],
      ['ResolvedEvent', 'resolved'],
      ['StatusChangeEvent', 'closed'],
    ]);
    await until('the filtered closing', () => of(resolved, major.id).length === 4);
    expect(of(resolved, minor.id)).toEqual([]);
    expect(Object.keys(of(resolved, major.id)[0]?.event.troubleTicket ?? {})).toEqual(['id', 'href', 'status']);

    expect((await callApi(stack, 'DELETE', `${hubPath}/${all.body.id}`)).status).toBe(204);
    expect((await callApi(stack, 'DELETE', `${hubPath}/${all.body.id}`)).status).toBe(404);
    const before = everything.seen.length;
    await stack.ask('UNHEARD-1');
    await until('another listener', () => typesOf(crm, 'UNHEARD-1').includes('survey.sent'));
    expect(everything.seen).toHaveLength(before);
    for (const server of [everything, resolved]) await server.close();
  });

  test('takes only callbacks that are https, or on this machine', async () => {
    for (const callback of ['ftp://x', 'http://noc.example/tickets'])
      expect(await subscribe(callback)).toMatchObject({ status: 400, body: { code: 'BadInput', field: 'callback' } });
    expect((await callApi(stack, 'POST', hubPath, {})).body['message']).toContain('callback');
    // Workers that trust no program of their machine deliver nothing there.
    const { moved, end } = await stack.secondGateway({ CLOSEOUT_TRUST_LOOPBACK: 'no' });
    const token = (await stack.closeout('tokens', 'create', 'registering', '--scope', 'write')).stdout.trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ callback: 'http://localhost:9/' });
    expect((await fetch(moved(stack.url(hubPath)), { method: 'POST', headers, body })).status).toBe(400);
    await end();
    for (const query of ['eventType=TicketClosed', 'status.ne=closed', 'status.foo=closed', 'a..b=1'])
      expect(await subscribe('https://noc.example', query)).toMatchObject({ status: 400, body: { code: 'BadInput' } });
  });
});

describe('hand-over to another channel', () => {
  const readyOf = async (id: string) => {
    const [event] = await until(`the survey of ${id}`, () => {
      const found = eventsOf(phone, id);
      return found.length > 0 && found;
    });
    return event?.data as { surveyId: string; link: string; question: string };
  };
  const close = async (id: string, more = {}) => {
    await stack.open(id, { ticketType: 'handover', customerId: `C-${id}`, contact: undefined, ...more });
    await stack.client.clear(id);
  };

  test('a customer without an address gets the link from somebody else, and answers', async () => {
    await close('HAND-1');
    const { surveyId, link } = await readyOf('HAND-1');
    expect((await stack.client.status('HAND-1')).survey.state).toBe('none');
    expect((await callApi(stack, 'POST', `/surveys/${surveyId}/delivered`, {})).status).toBe(202);
    await stack.untilSurvey('HAND-1', 'sent');
    expect((await callApi(stack, 'POST', `/surveys/${surveyId}/delivered`, {})).status).toBe(202); // again
    expect((await post(link, { score: '5' })).status).toBe(303);
    expect(await stack.untilPhase('HAND-1', 'done')).toMatchObject({ score: 5 });
    expect(await stack.mails('HAND-1')).toEqual([]);
    expect((await stack.closeout('timeline', 'HAND-1')).stdout).toContain('Survey delivered by another channel');
    const history = JSON.stringify(await stack.temporal.workflow.getHandle('problem-report:HAND-1').fetchHistory());
    expect(history).not.toContain(link.split('/s/')[1]);
  });

  test('one that cannot be delivered is undeliverable with the reason, and can be handed over again', async () => {
    await close('HAND-2');
    const { surveyId } = await readyOf('HAND-2');
    const refused = await callApi(stack, 'POST', `/surveys/${surveyId}/failed`, { reason: 'call Ann Miller' });
    expect(refused).toMatchObject({ status: 400, body: { code: 'BadInput' } });
    await callApi(stack, 'POST', `/surveys/${surveyId}/failed`, { reason: 'no-number' });
    await until('it to fail', async () => {
      const { survey } = await stack.client.status('HAND-2');
      return survey.state === 'undeliverable' && survey.reason === 'no-number';
    });
    await stack.closeout('resend-survey', 'HAND-2');
    await until('the second', () => eventsOf(phone, 'HAND-2').length === 2);
    await stack.signal('HAND-2', 'delivered'); // bare, as any service may send it
    await stack.untilSurvey('HAND-2', 'sent');
  });

  test('is done once, also when the worker is killed while it waits', async () => {
    await close('HAND-3');
    await readyOf('HAND-3');
    await stack.kill('worker');
    await stack.signal('HAND-3', 'delivered');
    await stack.untilSurvey('HAND-3', 'sent');
    expect(eventsOf(phone, 'HAND-3')).toHaveLength(1);
  });

  test('the example does it', async () => {
    const texts: string[] = [];
    const [port = 0] = await freePorts(1);
    const { apiToken } = loadGatewayConfig({ ...stack.env });
    const env = { CLOSEOUT_URL: stack.url(''), CLOSEOUT_API_TOKEN: apiToken, WEBHOOK_SECRET: secret, PORT: `${port}` };
    const example = spawn(process.execPath, ['examples/handover.mjs'], { env: { ...cleanEnv(), ...env } });
    example.stdout.on('data', (data: Buffer) => texts.push(data.toString()));
    phone.script = async ({ body, headers }) => {
      if (!body.includes('HAND-4')) return {};
      const forwarded = Object.entries(headers).filter(([name]) => name.startsWith('webhook-'));
      const send = () =>
        fetch(`http://127.0.0.1:${port}`, {
          method: 'POST',
          body,
          headers: Object.fromEntries(forwarded) as Record<string, string>,
        });
      return { status: (await until('the example to listen', () => send().catch(() => false as const))).status };
    };
    try {
      await close('HAND-4');
      await stack.untilSurvey('HAND-4', 'sent');
      expect(texts.join('')).toContain('SMS to C-HAND-4: How did we do? http');
    } finally {
      example.kill();
    }
  });
});

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSystem } from '../../src/systems/adapters.js';
import { freePorts } from '../stack/commands.js';
import { Stack } from '../stack/stack.js';
import { callApi } from '../stack/tickets.js';
import { until } from '../stack/waiting.js';
import { startHelpdesk, startRequestTracker, type LiveAgent } from './agents.js';
import { isInstalled, skipped } from './live.js';
import { Tmf621Server } from './tmf621-server.js';

/** A stack whose systems are asked once an hour, so that only events and alarms can be faster. */
async function startStack(systems: object, alarms: object, env: Record<string, string>): Promise<Stack> {
  const path = join(await mkdtemp(join(tmpdir(), 'closeout-test-events-')), 'systems.yaml');
  await writeFile(path, JSON.stringify({ systems, alarms }));
  const policy = 'default: { survey: { contactCap: null } }\nrules: [{ when: { ticketType: alarm }, holdDown: 2s }]';
  return Stack.start({ policy, env: { CLOSEOUT_SYSTEMS: path, ...env } });
}

const seen = (stack: Stack, id: string) =>
  until(`${id} to be seen`, () => stack.client.get(id).catch(() => false as const));

(isInstalled('django-helpdesk') ? describe : describe.skip)(
  isInstalled('django-helpdesk') ? 'the webhooks of django-helpdesk' : skipped('django-helpdesk'),
  () => {
    let agent: LiveAgent;
    let stack: Stack;
    beforeAll(async () => {
      const [port = 0] = await freePorts(1);
      agent = await startHelpdesk(`http://127.0.0.1:${port}/systems/desk/events`);
      const { type, url, only, token = '' } = agent.settings;
      const desk = { type, url, only, token: { env: 'DESK_TOKEN' }, poll: '1h', rate: '100/s' };
      stack = await startStack({ desk }, {}, { DESK_TOKEN: token, CLOSEOUT_PORT: `${port}` });
    });
    afterAll(async () => {
      await stack.end();
      await agent.live.stop();
    });

    test('a new ticket and a follow-up are read at once', async () => {
      const { system } = connectSystem('desk', agent.settings);
      const contact = { emailAddress: 'ann@customers.example' };
      const ticketId = await system.open({
        name: 'No dial tone',
        description: 'Line 3',
        reference: 'events-1',
        contact,
      });
      await seen(stack, `desk-${ticketId}`);
      await system.move(ticketId, 'Resolved', 'done'); // with a follow-up, as its pages do
      await stack.untilSurvey(`desk-${ticketId}`, 'sent');
      expect((await system.read(ticketId))?.status).toBe('Closed');
    });
  },
);

describe('the hub of a TMF621 system', () => {
  const server = new Tmf621Server('v4');
  let stack: Stack;
  beforeAll(async () => {
    const origin = await server.listen();
    const oauth = { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: { env: 'DESK_SECRET' } };
    const desk = { type: 'tmf621', url: `${origin}/tmf-api/troubleTicket/v4`, oauth, poll: '1h', rate: '100/s' };
    stack = await startStack({ desk }, {}, { DESK_SECRET: 'secret' });
  });
  afterAll(async () => {
    await stack.end();
    await server.close();
  });

  test('its events lead to the ticket: doubled, swapped and about tickets that are gone', async () => {
    const ticketId = server.open({
      name: 'No dial tone',
      description: 'Line 3',
      severity: 'major',
      ticketType: 'incident',
    });
    const send = (event: string, id: string) =>
      callApi(stack, 'POST', `/tmf-api/troubleTicket/v4/listener/${event}`, {
        eventId: `${event}-${id}`,
        eventTime: new Date().toISOString(),
        eventType: event,
        event: { troubleTicket: { id } },
      });
    server.set(ticketId, 'resolved');
    for (const event of ['troubleTicketStatusChangeEvent', 'troubleTicketCreateEvent', 'troubleTicketCreateEvent'])
      expect((await send(event, ticketId)).status).toBe(201);
    expect((await send('troubleTicketDeleteEvent', 'TT gone')).status).toBe(201);
    await until('it to be closed', () => server.statusOf(ticketId) === 'closed');
    expect(server.historyOf(ticketId).filter((status) => status === 'closed')).toHaveLength(1);
  });
});

(isInstalled('request-tracker') ? describe : describe.skip)(
  isInstalled('request-tracker') ? 'alarms whose tickets live in Request Tracker' : skipped('request-tracker'),
  () => {
    let agent: LiveAgent;
    let stack: Stack;
    beforeAll(async () => {
      agent = await startRequestTracker();
      const { type, url, only, fields, token = '' } = agent.settings;
      const desk = { type, url, only, fields, token: { env: 'DESK_TOKEN' }, poll: '1h', rate: '100/s' };
      const prometheus = {
        type: 'alertmanager',
        token: { env: 'ALARM_TOKEN' },
        system: 'desk',
        customer: 'labels.customer',
        serviceProblem: 'labels.site',
        email: 'annotations.contact',
      };
      const env = { DESK_TOKEN: token, ALARM_TOKEN: 'the-token-of-the-alarm-system' };
      stack = await startStack({ desk }, { prometheus }, env);
    });
    afterAll(async () => {
      await stack.end();
      await agent.live.stop();
    });

    const send = (status: 'firing' | 'resolved', startsAt: string) =>
      callApi(
        stack,
        'POST',
        '/alarms/prometheus',
        {
          version: '4',
          alerts: [
            {
              status,
              labels: { alertname: 'LinkDown', severity: 'critical', customer: 'C-1', site: 'SP-lyon' },
              annotations: { summary: 'Link a is down', contact: 'noc@customers.example' },
              startsAt,
              fingerprint: 'a1',
            },
          ],
        },
        { authorization: 'Bearer the-token-of-the-alarm-system' },
      );

    test('an alarm opens a ticket there once; its end closes it after the hold-down, and its customer is asked', async () => {
      const startsAt = new Date(Date.now() - 60_000).toISOString();
      const answers = await Promise.all([send('firing', startsAt), send('firing', startsAt)]);
      expect(answers.map(({ body }) => Object.keys(body).join()).sort()).toEqual(['opened', 'unchanged']);
      const { reports } = await stack.client.list({ filter: { name: 'Link a is down' } });
      expect(reports).toMatchObject([
        {
          name: 'Link a is down',
          ticketType: 'alarm',
          severity: 'critical',
          customerId: 'C-1',
          serviceProblemId: 'SP-lyon',
        },
      ]);
      const { id = '', externalId = '' } = reports[0] ?? {};
      await Promise.all([send('resolved', startsAt), send('resolved', startsAt)]);
      await stack.untilSurvey(id, 'sent');
      expect(await stack.untilMails(id, 1)).toHaveLength(1);
      expect(await agent.timesClosed(externalId)).toBe(1);
    });
  },
);

test('a gateway that stops while it opens many tickets says that they have to be sent again', async () => {
  const server = new Tmf621Server('v4');
  const origin = await server.listen();
  const oauth = { tokenUrl: `${origin}/token`, clientId: 'closeout', clientSecret: { env: 'DESK_SECRET' } };
  const desk = { type: 'tmf621', url: `${origin}/tmf-api/troubleTicket/v4`, oauth, poll: '1h', rate: '2/s' };
  const prometheus = { type: 'alertmanager', token: { env: 'ALARM_TOKEN' }, system: 'desk' };
  const env = { DESK_SECRET: 'secret', ALARM_TOKEN: 'the-token-of-the-alarm-system' };
  const stack = await startStack({ desk }, { prometheus }, env);
  try {
    const { moved, end } = await stack.secondGateway({});
    const alerts = Array.from({ length: 500 }, (_, n) => ({
      status: 'firing',
      startsAt: new Date().toISOString(),
      fingerprint: `storm-${n}`,
    }));
    const sent = fetch(moved(stack.url('/alarms/prometheus')), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer the-token-of-the-alarm-system' },
      body: JSON.stringify({ version: '4', alerts }),
    });
    await until('the first report', async () => (await stack.client.list({ limit: 1 })).total > 0);
    await end();
    expect((await sent).status).toBe(503);
    expect((await stack.client.list({ limit: 1 })).total).toBeLessThan(alerts.length);
  } finally {
    await stack.end();
    await server.close();
  }
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { post } from '../stack/http.js';
import { linkIn } from '../stack/mail.js';
import { Stack } from '../stack/stack.js';
import { until } from '../stack/waiting.js';

/** A collector that takes OTLP over HTTP, as a trace backend does. */
interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  part: string;
}
const spans: Span[] = [];
let received = '';
let collector: Server;
let stack: Stack;
beforeAll(async () => {
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      received += body;
      const { resourceSpans } = JSON.parse(body) as Sent;
      for (const { resource, scopeSpans } of resourceSpans) {
        const part = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
        for (const { spans: some } of scopeSpans) spans.push(...some.map((span) => ({ ...span, part })));
      }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((ready) => collector.listen(0, '127.0.0.1', ready));
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  stack = await Stack.start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '100' } });
});
afterAll(async () => {
  await stack.end();
  await new Promise((closed) => collector.close(closed));
});

interface Sent {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: { spans: Omit<Span, 'part'>[] }[];
  }[];
}

const api = '/tmf-api/troubleTicket/v4/troubleTicket';
const untilSpan = (part: string, name: string) =>
  until(`the span "${name}" of ${part}`, () => spans.find((span) => span.part === part && span.name === name));

test('one trace leads from the request through client and workflow to the activities', async () => {
  const ticket = {
    id: 'TRACED-1',
    description: 'No dial tone',
    severity: 'minor',
    ticketType: 'fault',
    relatedParty: [{ id: 'customer-of-traces', role: 'customer', '@referredType': 'Customer' }],
    relatedContactInformation: [{ role: 'reporterContact', name: 'Ann Smith', emailAddress: 'ann@customers.example' }],
  };
  const headers = { 'content-type': 'application/json' };
  const opened = await fetch(stack.url(api), { method: 'POST', headers, body: JSON.stringify(ticket) });
  expect(opened.status).toBe(201);
  const patch = { method: 'PATCH', headers, body: JSON.stringify({ status: 'resolved' }) };
  expect((await fetch(stack.url(`${api}/TRACED-1`), patch)).ok).toBe(true);
  const [mail] = await stack.untilMails('TRACED-1', 1);
  await post(linkIn(mail as NonNullable<typeof mail>), { score: '5', comment: 'Splendid' });
  await stack.untilPhase('TRACED-1', 'done');

  const request = await untilSpan('closeout-gateway', `POST ${api}`);
  const start = await untilSpan('closeout-gateway', 'StartWorkflow:closeProblemReport');
  const asked = await untilSpan('closeout-worker', 'RunActivity:sendSurvey');
  expect(start).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId });
  expect(asked.traceId).toBe(request.traceId);
  const cleared = await untilSpan('closeout-gateway', `PATCH ${api}/:id`);
  expect((await untilSpan('closeout-worker', 'HandleSignal:cleared')).traceId).toBe(cleared.traceId);
  await untilSpan('closeout-gateway', 'POST /s/:token');
  await untilSpan('closeout-worker', 'HandleSignal:answered');
  // Nothing of a customer, and no link.
  expect(received).not.toMatch(/customers\.example|Smith|Splendid|customer-of-traces|\/s\/[A-Za-z0-9_-]{16}/);
});

test('a program continues its trace; a customer’s browser cannot hide in one', async () => {
  const traceparent = (id: string) => `00-${id.repeat(16)}-${'ab'.repeat(8)}-00`;
  const sampled = `00-${'c1'.repeat(16)}-${'ab'.repeat(8)}-01`;
  await fetch(stack.url('/s/no-such-link'), { headers: { traceparent: traceparent('c2') } });
  await fetch(stack.url(`${api}/TRACED-2`), { headers: { traceparent: sampled } });
  await untilSpan('closeout-gateway', 'GET /s/:token'); // although it asked not to be recorded
  const program = await untilSpan('closeout-gateway', `GET ${api}/:id`);
  expect(program.traceId).toBe('c1'.repeat(16));
});

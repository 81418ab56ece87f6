// Brings survey links to customers by SMS instead of mail. docs/events.md explains it.
//   CLOSEOUT_URL=http://127.0.0.1:8080 CLOSEOUT_API_TOKEN=… WEBHOOK_SECRET=whsec_… PORT=9000 node examples/handover.mjs
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const { CLOSEOUT_URL, CLOSEOUT_API_TOKEN, WEBHOOK_SECRET, PORT } = process.env;
const seen = new Set(); // an event may come more than once; keep this where a restart does not lose it

const sendSms = (customerId, link) => console.log(`SMS to ${customerId}: How did we do? ${link}`);

createServer(async (request, response) => {
  const body = await text(request);
  const event = new Webhook(WEBHOOK_SECRET).verify(body, request.headers);
  response.writeHead(204).end();
  if (event.type !== 'survey.ready' || seen.has(event.id)) return;
  seen.add(event.id);
  const { surveyId, customerId, link } = event.data;
  const outcome = await Promise.resolve(sendSms(customerId, link)).then(() => 'delivered', () => 'failed'); // prettier-ignore
  const headers = { authorization: `Bearer ${CLOSEOUT_API_TOKEN}`, 'content-type': 'application/json' };
  await fetch(`${CLOSEOUT_URL}/surveys/${surveyId}/${outcome}`, { method: 'POST', headers, body: '{}' });
}).listen(Number(PORT));

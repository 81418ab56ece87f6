import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectSystem } from '../../src/systems/adapters.js';
import { usual } from './agents.js';

test('what looks like a template is sent to django-helpdesk as plain text', async () => {
  const sent: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (part: string) => sent.push(part));
    request.on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{}'));
  }).listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { system } = connectSystem('desk', { ...usual, type: 'django-helpdesk', url });
  const text = 'Try {{ settings.SECRET_KEY }} {% load x %} {# gone #}';
  try {
    await system.addNote('7', text);
    await system.move('7', 'Closed', text);
  } finally {
    server.close();
  }
  const comments = sent.map((body) => (JSON.parse(body) as { comment: string }).comment);
  expect(comments).toHaveLength(2);
  for (const comment of comments) {
    expect(comment).not.toMatch(/\{[{%#]|%\}/);
    expect(comment.replaceAll('\u200b', '')).toBe(text);
  }
});

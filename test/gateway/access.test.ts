import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { CloseoutClient } from '../../src/client.js';
import { buildGateway } from '../../src/gateway/app.js';
import { loadGatewayConfig } from '../../src/setup/config.js';

/** Which sites may send a form. Nothing is contacted: the links are not valid. */
const key = Buffer.alloc(32, 1).toString('base64');

test.each([
  ['https://care.example', 404],
  ['https://acme.example:8443', 404],
  ['http://acme.example:8443', 403],
  ['https://acme.example', 403],
])('a form of %s is answered with %i', async (origin, status) => {
  const brands = await mkdtemp(join(tmpdir(), 'closeout-test-brands-'));
  await cp('examples/brands', brands, { recursive: true });
  const file = join(brands, 'acme/brand.yaml');
  await writeFile(file, 'name: Acme\nfooter: [Acme]\npublicUrl: https://acme.example:8443\n');
  const config = loadGatewayConfig({
    CLOSEOUT_DATA: '/nonexistent',
    CLOSEOUT_BRANDS: brands,
    DATABASE_URL: 'postgres://127.0.0.1:1/none',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    CLOSEOUT_PUBLIC_URL: 'https://care.example',
    CLOSEOUT_MAIL_FROM: 'care@acme.example',
    CLOSEOUT_ALERT_TO: 'noc@acme.example',
    CLOSEOUT_API_TOKEN: 'a-token-that-is-long-enough',
    CLOSEOUT_LINK_KEYS: `k:${key}`,
    CLOSEOUT_ADDRESS_KEY: key,
  });
  const client = CloseoutClient.connect(config);
  const app = await buildGateway(config, client, pino({ level: 'silent' }));
  const headers = { origin, host: 'gateway-1:8080', 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await app.inject({ method: 'POST', url: '/s/not-valid', headers, payload: 'score=5' });
  expect(answer.statusCode).toBe(status);
  await app.close();
  await client.close();
});

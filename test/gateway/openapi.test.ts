import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { CloseoutClient } from '../../src/client.js';
import { buildGateway } from '../../src/gateway/app.js';
import { apiDescription } from '../../src/gateway/openapi.js';
import { loadGatewayConfig } from '../../src/setup/config.js';

/** `/openapi.json` describes everything that the gateway answers. Nothing is contacted: only the routes are looked at. */
const env = {
  CLOSEOUT_DATA: '/nonexistent',
  DATABASE_URL: 'postgres://localhost/none',
  CLOSEOUT_PUBLIC_URL: 'https://care.example',
  CLOSEOUT_MAIL_FROM: 'care@acme.example',
  CLOSEOUT_ALERT_TO: 'noc@acme.example',
  TEMPORAL_ADDRESS: '127.0.0.1:1',
  CLOSEOUT_API_TOKEN: 'a-token-that-is-long-enough',
  CLOSEOUT_LINK_KEYS: `k:${Buffer.alloc(32, 1).toString('base64')}`,
  CLOSEOUT_OIDC_ISSUER: 'https://login.example',
  CLOSEOUT_OIDC_CLIENT_ID: 'closeout',
  CLOSEOUT_OIDC_CLIENT_SECRET: 'secret',
  CLOSEOUT_ADDRESS_KEY: Buffer.alloc(32, 2).toString('base64'),
  CLOSEOUT_PAYLOAD_KEYS: `p:${Buffer.alloc(32, 3).toString('base64')}`,
};
const description = apiDescription('https://care.example') as { paths: Record<string, object> };

/** Style sheets, logos, plots and browsers' questions before a request are parts of pages. */
const isPart = (route: string): boolean => /^(HEAD|OPTIONS) |\/assets\/|\/plots\//.test(route);

/** The validator is an ES module, so it runs in a process of its own. */
const validate = `
  import { Validator } from '@seriousme/openapi-schema-validator';
  const { valid, errors } = await new Validator().validate(JSON.parse(process.argv[1]));
  process.stdout.write(JSON.stringify({ valid, errors }));
`;

test('it is a valid description', async () => {
  const args = ['--input-type=module', '--eval', validate, JSON.stringify(description)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({ valid: true });
});

test('every route is described, and nothing else', async () => {
  const config = loadGatewayConfig(env);
  const client = CloseoutClient.connect(config);
  const app = await buildGateway(config, client, pino({ level: 'silent' }));
  await app.ready();
  const described = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => method !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  const answered = app.knownRoutes.map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(described.sort()).toEqual(answered.filter((route) => !isPart(route)).sort());
  await app.close();
  await client.close();
});

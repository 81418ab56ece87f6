import { writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { loadConfig } from '../../src/setup/config.js';
import { run, cleanEnv } from '../stack/commands.js';
import { decoded } from '../stack/history.js';
import { linkIn } from '../stack/mail.js';
import { post } from '../stack/http.js';
import { Stack } from '../stack/stack.js';
import { makeCertificates, postgresBehindTls, temporalBehindTls, type Certificates, type Front } from '../stack/tls.js';
import { until } from '../stack/waiting.js';

/** What goes over the wire, and what Temporal stores: TLS to both servers, encrypted payloads. */
const oldKey = `old:${randomBytes(32).toString('base64')}`;
const newKey = `new:${randomBytes(32).toString('base64')}`;
let stack: Stack;
let certificates: Certificates;
let temporal: Front;
let postgres: Front;
beforeAll(async () => {
  stack = await Stack.start({
    policy: 'default: { survey: { contactCap: null } }',
    env: { CLOSEOUT_PAYLOAD_KEYS: oldKey },
  });
  certificates = await makeCertificates();
  temporal = await temporalBehindTls(Number(stack.env['CLOSEOUT_TEMPORAL_PORT']), certificates);
  postgres = await postgresBehindTls(Number(stack.env['CLOSEOUT_POSTGRES_PORT']), certificates);
});
afterAll(async () => {
  await Promise.all([temporal.close(), postgres.close()]);
  await stack.end();
});

const status = (env: Record<string, string>) =>
  run(process.execPath, ['dist/cli.js', 'status', 'TLS-1', '--json'], { ...cleanEnv(), ...stack.env, ...env });

describe('TLS to Temporal, by its own settings', () => {
  const mutual = () => ({
    TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    TEMPORAL_TLS: 'true',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.ca,
    TEMPORAL_TLS_CLIENT_CERT_PATH: certificates.clientCert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: certificates.clientKey,
  });

  test('with a certificate of its own a command gets through', async () => {
    await stack.open('TLS-1');
    await stack.untilPhase('TLS-1', 'open');
    const seen = await until('an answer of the run', async () => {
      const { code, stdout } = await status(mutual());
      return code === 0 && stdout.includes('"running"') && (JSON.parse(stdout) as object);
    });
    expect(seen).toMatchObject({ phase: 'open', run: 'running' });
  });

  test('without one, or without trust in the server, it does not', async () => {
    const { TEMPORAL_TLS_CLIENT_CERT_PATH: _, TEMPORAL_TLS_CLIENT_KEY_PATH: __, ...anonymous } = mutual();
    const { TEMPORAL_TLS_SERVER_CA_CERT_PATH: ___, ...distrusting } = mutual();
    for (const env of [anonymous, distrusting])
      expect(JSON.parse((await status(env)).stdout)).toMatchObject({ run: 'unknown' });
  });

  test('a profile of a file holds them as well', async () => {
    const path = `${certificates.ca}.toml`;
    await writeFile(
      path,
      `[profile.prod]
address = "127.0.0.1:${temporal.port}"
namespace = "default"
[profile.prod.tls]
server_ca_cert_path = "${certificates.ca}"
client_cert_path = "${certificates.clientCert}"
client_key_path = "${certificates.clientKey}"
`,
    );
    // The address of the running stack would be stronger than the file.
    const env = {
      TEMPORAL_CONFIG_FILE: path,
      TEMPORAL_PROFILE: 'prod',
      TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    };
    await until('an answer of the run', async () => (await status(env)).stdout.includes('"running"'));
  });

  test('an API key goes with TLS', () => {
    const config = loadConfig({ ...stack.env, TEMPORAL_ADDRESS: 'x.tmprl.cloud:7233', TEMPORAL_API_KEY: 'key' });
    expect(config.temporal.connection).toMatchObject({ address: 'x.tmprl.cloud:7233', apiKey: 'key' });
    expect(config.temporal.connection.tls).toBeTruthy();
  });
});

test('TLS to PostgreSQL, verified against its authority', async () => {
  const plain = new URL(loadConfig({ ...stack.env }).databaseUrl);
  plain.port = `${postgres.port}`;
  const verified = new URL(plain);
  verified.searchParams.set('sslmode', 'verify-full');
  verified.searchParams.set('sslrootcert', certificates.ca);
  expect(JSON.parse((await status({ DATABASE_URL: verified.href })).stdout)).toMatchObject({ phase: 'open' });
  verified.searchParams.delete('sslrootcert');
  for (const url of [plain, verified]) {
    const { code, stderr } = await status({ DATABASE_URL: url.href });
    expect([code, JSON.parse(stderr)]).toMatchObject([1, { code: 'DatabaseUnavailable' }]);
  }
});

describe('encrypted payloads', () => {
  const codec = (verb: string, payloads: unknown, headers: Record<string, string> = {}) =>
    fetch(stack.url(`/codec/${verb}`), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ payloads }),
    });
  const inputOf = async (id: string) => {
    const { events } = await stack.history(id);
    const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const metadata = Object.entries(payload?.metadata ?? {}).map(([name, value]) => [
      name,
      Buffer.from(value).toString('base64'),
    ]);
    return {
      metadata: Object.fromEntries(metadata) as Record<string, string>,
      data: Buffer.from(payload?.data ?? []).toString('base64'),
    };
  };

  test('Temporal stores nothing in clear, and the whole process works; plain signals too', async () => {
    await stack.open('SECRET-1');
    await stack.signal('SECRET-1', 'cleared', { by: 'monitoring' });
    await stack.untilSurvey('SECRET-1', 'sent');
    const [mail] = await stack.untilMails('SECRET-1', 1);
    if (mail) await post(linkIn(mail), { score: '1' });
    await stack.untilPhase('SECRET-1', 'done');
    const history = await stack.history('SECRET-1');
    const stored = decoded(history).replaceAll('problem-report:SECRET-1', '');
    expect(stored).not.toMatch(/"reportId"|"surveyId"|acknowledged/);
    expect(Buffer.from((await inputOf('SECRET-1')).metadata['encoding'] ?? '', 'base64').toString()).toBe(
      'binary/encrypted',
    );
  });

  test('a run that is lost is replaced, with the signals that it had not acted on', async () => {
    await stack.open('SECRET-2');
    await stack.untilPhase('SECRET-2', 'open');
    await stack.kill('worker');
    await stack.client.clear('SECRET-2');
    await stack.temporal.workflow.getHandle('problem-report:SECRET-2').terminate();
    await until('the worker', async () => (await stack.closeout('watch')).code === 0);
    await stack.untilSurvey('SECRET-2', 'sent');
  });

  test('the codec server shows the Temporal UI what was stored, and nobody else', async () => {
    const payload = await inputOf('SECRET-1');
    const ui = `http://127.0.0.1:${stack.env['CLOSEOUT_TEMPORAL_UI_PORT']}`;
    const preflight = await fetch(stack.url('/codec/decode'), {
      method: 'OPTIONS',
      headers: {
        origin: ui,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, ui]);
    const answer = await codec('decode', [payload], { origin: ui });
    expect(answer.headers.get('access-control-allow-origin')).toBe(ui);
    const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
    expect(JSON.parse(Buffer.from(payloads[0]?.data ?? '', 'base64').toString())).toEqual({
      reportId: 'SECRET-1',
      opened: {
        cycle: 1,
        ticketType: 'fault',
        severity: 'minor',
        customerId: 'customer-SECRET-1',
        surveyId: expect.any(String) as string,
      },
    });
    const again = (await (await codec('encode', payloads)).json()) as { payloads: { data: string }[] };
    expect(again.payloads[0]?.data).not.toBe(payloads[0]?.data);
    expect((await codec('decode', [payload], { origin: 'https://evil.example' })).status).toBe(403);
    expect((await codec('decode', 'x')).status).toBe(400);
    const damaged = await codec('decode', [payload, { ...payload, data: '' }]);
    expect([damaged.status, await damaged.json()]).toEqual([400, expect.objectContaining({ field: 'payloads[1]' })]);
  });

  test('the codec server needs a token with the scope operate', async () => {
    const gateway = await stack.secondGateway({ CLOSEOUT_TRUST_LOOPBACK: 'no' });
    const tokenFor = async (scope: string) =>
      (await stack.closeout('tokens', 'create', `codec-${scope}`, '--scope', scope)).stdout.trim();
    const payloads = [await inputOf('SECRET-1')];
    const decode = async (token: string) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const request = { method: 'POST', headers, body: JSON.stringify({ payloads }) };
      return (await fetch(gateway.moved(stack.url('/codec/decode')), request)).status;
    };
    const statuses = [
      await decode('none'),
      await decode(await tokenFor('read')),
      await decode(await tokenFor('operate')),
    ];
    await gateway.end();
    expect(statuses).toEqual([401, 403, 200]);
  });

  test('keys are replaced: the new one encrypts, and what the old one has encrypted is still read', async () => {
    await stack.open('SECRET-3');
    await stack.untilPhase('SECRET-3', 'open');
    await stack.down();
    stack.env['CLOSEOUT_PAYLOAD_KEYS'] = `${newKey},${oldKey}`;
    await stack.up();
    await stack.client.clear('SECRET-3');
    await stack.untilSurvey('SECRET-3', 'sent');
    await stack.open('SECRET-4');
    const { metadata } = await inputOf('SECRET-4');
    expect(Buffer.from(metadata['encryption-key-id'] ?? '', 'base64').toString()).toBe('new');
  });

  test('after `none`, keys decrypt and do not encrypt, so that all processes know them before one of them encrypts', async () => {
    await stack.down();
    stack.env['CLOSEOUT_PAYLOAD_KEYS'] = `none,${newKey},${oldKey}`;
    await stack.up();
    await stack.client.clear('SECRET-4');
    await stack.untilSurvey('SECRET-4', 'sent');
    await stack.open('PLAIN-1');
    expect((await inputOf('PLAIN-1')).metadata['encryption-key-id']).toBeUndefined();
  });

  test('an invalid key is refused with the name of the setting', () => {
    expect(() => loadConfig({ ...stack.env, CLOSEOUT_PAYLOAD_KEYS: 'a:short' })).toThrow(
      'CLOSEOUT_PAYLOAD_KEYS must be',
    );
  });
});

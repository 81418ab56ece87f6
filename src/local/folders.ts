/** Folders of the embedded parts. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const isRoot = process.getuid?.() === 0;

/** Creates a folder and its own folders that nobody else can read: they hold customers' mails, and links that work. */
export async function makePrivate(folder: string, ...own: string[]): Promise<void> {
  for (const path of [folder, ...own.map((name) => join(folder, name))]) {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o700);
  }
}

/** The user's cache. Root's is outside its home, because the database's user must read it. */
export function cacheDir(name: string): string {
  const base = isRoot ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'));
  return join(base, 'closeout', name);
}

/**
 * A folder in the data folder that another user can reach. If a parent folder keeps others out, such as a home with mode 0700, the
 * folder is created in /var/lib, and the data folder holds a link to it.
 */
export async function reachableDir(path: string): Promise<string> {
  const linked = await readlink(path).catch(() => undefined);
  if (linked) return linked;
  if (await isReachable(dirname(path))) return path;
  const place = join('/var/lib/closeout', randomBytes(6).toString('hex'));
  await mkdir(place, { recursive: true });
  await chmod(dirname(place), 0o711);
  if (existsSync(path)) await move(path, place);
  await symlink(place, `${path}.link`);
  await rename(`${path}.link`, path);
  return place;
}

/** A folder that an earlier release left inside the data folder, with its owners. */
async function move(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true });
  await promisify(execFile)('cp', ['-a', from, to]);
  await rm(from, { recursive: true });
}

async function isReachable(path: string): Promise<boolean> {
  const others = ((await stat(path)).mode & 0o001) !== 0;
  return others && (dirname(path) === path || isReachable(dirname(path)));
}

/** Folders of the embedded parts. */
import { randomBytes } from 'node:crypto';
import { mkdir, readlink, rename, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const isRoot = process.getuid?.() === 0;

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
  await symlink(place, `${path}.link`);
  await rename(`${path}.link`, path);
  return place;
}

async function isReachable(path: string): Promise<boolean> {
  const others = ((await stat(path)).mode & 0o001) !== 0;
  return others && (dirname(path) === path || isReachable(dirname(path)));
}

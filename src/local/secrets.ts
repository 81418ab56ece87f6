/** Secrets of the embedded parts: generated once, and readable by the owner of the data folder only. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';

const secrets = z.object({
  apiToken: z.string(),
  linkKeys: z.string(),
  addressKey: z.string(),
  databasePassword: z.string(),
});
export type Secrets = z.infer<typeof secrets>;

export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const path = join(dataDir, 'secrets.json');
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CloseoutError(
      'BadSetting',
      `${path} cannot be read (${error.code}); it must belong to you.`,
      'CLOSEOUT_DATA',
    );
  });
  if (kept !== undefined) return parseSecrets(path, kept);
  const made: Secrets = {
    apiToken: randomBytes(24).toString('base64url'),
    linkKeys: `k1:${randomBytes(32).toString('base64')}`,
    addressKey: randomBytes(32).toString('base64'),
    databasePassword: randomBytes(24).toString('hex'),
  };
  await writePrivately(path, made);
  return made;
}

function parseSecrets(path: string, text: string): Secrets {
  try {
    return secrets.parse(JSON.parse(text));
  } catch {
    throw new CloseoutError(
      'BadSetting',
      `${path} is damaged. Restore it, or move the data folder away to start with a new one.`,
      'CLOSEOUT_DATA',
    );
  }
}

export async function writePrivately(path: string, content: object): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(content, null, 2) + '\n', { mode: 0o600 });
  await rename(`${path}.new`, path);
}

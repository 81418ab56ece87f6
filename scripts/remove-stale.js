/** Part of `npm run build`: removes what was compiled from a file that no longer exists, which would be packed. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const made = /\.(js|js\.map|d\.ts)$/;
const others = /^(tools\/|worker\/workflow-bundle)/;

const compiled = await readdir('dist', { recursive: true }).catch(() => []);
for (const path of compiled.filter((name) => made.test(name) && !others.test(name)))
  if (!existsSync(join('src', path.replace(made, '.ts')))) await rm(join('dist', path));

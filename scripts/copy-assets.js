/** Part of `npm run build`: texts, views and style sheets go beside the compiled code, which reads them. */
import { cp } from 'node:fs/promises';
import process from 'node:process';

const [target = 'dist'] = process.argv.slice(2);
await cp('src', target, { recursive: true, filter: (path) => !path.endsWith('.ts') });

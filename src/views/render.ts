/** The template engine for mail and pages. Escapes everything that is not marked as HTML. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

const views = fileURLToPath(new URL('.', import.meta.url));

export const html = new Eta({ views, cache: true, autoEscape: true });
export const text = new Eta({ views, cache: true, autoEscape: false, autoTrim: false });

/** The style sheets of customers' pages and of operators'. */
export const styles = {
  page: readFileSync(join(views, 'page.css'), 'utf8'),
  desk: readFileSync(join(views, 'desk.css'), 'utf8'),
};

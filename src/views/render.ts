/** The template engine for mail and pages: escapes everything that is not said to be HTML. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

// Read from src also when this runs from dist: templates are not compiled.
const views = fileURLToPath(new URL('../../src/views', import.meta.url));

export const html = new Eta({ views, cache: true, autoEscape: true });
export const text = new Eta({ views, cache: true, autoEscape: false, autoTrim: false });

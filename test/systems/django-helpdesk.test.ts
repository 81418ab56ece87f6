import { startHelpdesk } from './agents.js';
import { conformance } from './conformance.js';
import { isInstalled, skipped } from './live.js';

if (isInstalled('django-helpdesk')) conformance('django-helpdesk', startHelpdesk);
else test.skip(skipped('django-helpdesk'), () => undefined);

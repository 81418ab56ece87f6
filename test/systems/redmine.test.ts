import { startRedmine } from './agents.js';
import { conformance } from './conformance.js';
import { isInstalled, skipped } from './live.js';

if (isInstalled('redmine')) conformance('Redmine', startRedmine);
else test.skip(skipped('redmine'), () => undefined);

import { startRequestTracker } from './agents.js';
import { conformance } from './conformance.js';
import { isInstalled, skipped } from './live.js';

if (isInstalled('request-tracker')) conformance('Request Tracker', startRequestTracker);
else test.skip(skipped('request-tracker'), () => undefined);

/** PostgreSQL's time, for the gateway and the commands, which do not import `outside`. */
export { now } from '../outside/database/clock.js';

/** The time of PostgreSQL, for those who use the client. */
export { now } from '../outside/database/clock.js';

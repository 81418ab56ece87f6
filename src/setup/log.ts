/** One JSON line per event, on standard error. Never a body, a link, an address, a name or a comment. */
import { pino, type Logger } from 'pino';

export const openLog = (name: string): Logger =>
  pino({ name, base: { name } }, pino.destination({ dest: 2, sync: true }));

/** Preloaded into the processes of a stack: their clock is off by as many minutes as the file CLOCK_FILE says. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setInterval } from 'node:timers';

const real = Date;
let offset = 0;
const read = () => {
  try {
    offset = Number(readFileSync(process.env['CLOCK_FILE'], 'utf8')) * 60_000;
  } catch {
    offset = 0; // not written yet
  }
};
read();
setInterval(read, 50).unref();

const now = () => real.now() + offset;
globalThis.Date = new Proxy(real, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});

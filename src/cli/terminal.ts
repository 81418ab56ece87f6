/** Times, ages and tables as a terminal shows them; plain tab-separated values in a pipe. */
import Table from 'cli-table3';
import { day, hour, minute } from '../policy/time.js';

/** `2026-11-27 14:05`, in the time zone of this machine. */
export function localTime(time: Date | string): string {
  const at = new Date(time);
  const two = (part: number) => String(part).padStart(2, '0');
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The time since then: `3 d`, `5 h`, `12 min`. */
export function age(time: Date | string): string {
  const ms = Math.max(0, Date.now() - new Date(time).getTime());
  if (ms >= 2 * day) return `${Math.floor(ms / day)} d`;
  if (ms >= 2 * hour) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / minute)} min`;
}

const plainBorders = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid']
    .concat(['mid', 'mid-mid', 'right', 'right-mid'])
    .map((name) => [name, '']),
);

/** Without the characters with which a text could act on the terminal, or change the direction of what follows it. */
export const printable = (text: string): string =>
  text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');

export function table(head: string[], rows: string[][], isTerminal = process.stdout.isTTY): string {
  const oneLine = (cell: string) => printable(cell.replace(/\s+/g, ' '));
  if (!isTerminal) return [head, ...rows].map((row) => row.map(oneLine).join('\t')).join('\n');
  const drawn = new Table({
    head,
    chars: { ...plainBorders, middle: '  ' },
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  drawn.push(...rows.map((row) => row.map(oneLine)));
  return drawn.toString();
}

/** The output of `closeout timeline`. */
import type { TimelineEntry } from '../contract/timeline.js';
import { timelineLine } from '../operator/timeline-in-words.js';
import { localTime, printable } from './terminal.js';

export function timelineText(entries: TimelineEntry[]): string {
  const lines: string[] = [];
  let cycle = 1;
  for (const { at, what, by, words, quoted, ...entry } of entries.map(timelineLine)) {
    if (entry.cycle > cycle) lines.push('', `Cycle ${entry.cycle}`);
    cycle = Math.max(cycle, entry.cycle);
    lines.push(`${localTime(at)}  ${what}${by ? ` (${by})` : ''}`);
    if (words) lines.push(...words.split('\n').map((line) => `${' '.repeat(18)}> ${line}`));
    if (quoted) lines.push(`${' '.repeat(18)}(${quoted.split('\n').length} quoted lines left out)`);
  }
  return printable(lines.join('\n'));
}

/** The statements that PostgreSQL is sent while something happens, from its own log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from './stack.js';
import { until } from './waiting.js';

/** BEGIN and COMMIT included. Without what processes ask now and then, whatever happens, and without Temporal's own on a cluster. */
export async function statementsDuring(stack: Stack, work: () => Promise<void>): Promise<string[]> {
  const read = () => readFileSync(join(stack.dataDir, 'logs', 'postgres.log'), 'utf8');
  await stack.sql("alter system set log_statement = 'all'");
  await stack.sql("alter system set log_line_prefix = '%d|'");
  await stack.sql("select pg_reload_conf(), 'reload'");
  await until('the log', async () => {
    await stack.sql("select 'begin of the count'");
    return read().includes('begin of the count');
  });
  await work();
  await stack.sql("select 'end of the count'");
  await stack.sql("alter system set log_statement = 'none'");
  await stack.sql('alter system reset log_line_prefix');
  await stack.sql("select pg_reload_conf(), 'reload'");
  const sent = read().split('begin of the count').at(-1)?.split('end of the count')[0] ?? '';
  const texts = [...sent.matchAll(/^postgres\|LOG: {2}(?:execute \S+|statement): ([^\n]*)/gm)].map(([, text = '']) =>
    text.trim(),
  );
  // The last statement ends the count.
  return texts.slice(0, -1).filter((text) => !/from "listeners"|from workers|clock_timestamp\(\) as now/.test(text));
}

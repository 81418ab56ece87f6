/**
 * Once per test run: finds or builds the Temporal CLI, so that no test times out over it, and starts the browser that all page
 * tests share.
 */
import process from 'node:process';
import chromium from '@sparticuz/chromium';
import puppeteer from 'puppeteer-core';
import { findTemporalCli } from '../dist/local/temporal.js';

export default async function setup() {
  process.env.CLOSEOUT_TEMPORAL_CLI = await findTemporalCli(process.env, (line) => process.stderr.write(`${line}\n`));
  globalThis.browser = await puppeteer.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args, '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    headless: 'shell',
  });
  process.env.TEST_BROWSER = globalThis.browser.wsEndpoint();
}

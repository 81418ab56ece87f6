/** A whole Closeout of a test file's own: real Temporal, PostgreSQL, mail, worker and gateway, driven from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { CloseoutClient } from '../../src/client.js';
import { workflowIdOf } from '../../src/contract/ids.js';
import type { NewReport, RunStatus } from '../../src/contract/reports.js';
import { openConnection } from '../../src/outside/temporal/connection.js';
import { loadConfig } from '../../src/setup/config.js';
import { cleanEnv, cli, freePorts, inbound, run, type Output } from './commands.js';
import { isAbout, isAlert, readMails, type SeenMail } from './mail.js';
import { openSession } from './session.js';
import { until } from './waiting.js';

export interface StackOptions {
  /** YAML. */
  policy?: string;
  env?: Record<string, string>;
  /** As `npm run cluster`. */
  isCluster?: boolean;
}

export class Stack {
  private process: ChildProcess | undefined;
  private opened: { client: CloseoutClient; temporal: Client; close: () => Promise<void> } | undefined;
  log = '';

  private constructor(
    readonly dataDir: string,
    readonly env: Record<string, string>,
    private readonly isCluster: boolean,
  ) {}

  static async start({ policy, env = {}, isCluster = false }: StackOptions = {}): Promise<Stack> {
    const dataDir = await mkdtemp(join(tmpdir(), 'closeout-test-'));
    const parts = ['', 'TEMPORAL_', 'TEMPORAL_UI_', 'POSTGRES_', 'SMTP_', 'METRICS_', 'CLUSTER_'];
    const names = parts.map((part) => `${part}PORT`);
    const ports = await freePorts(names.length + 9);
    const settings: Record<string, string> = { CLOSEOUT_DATA: dataDir, ...env };
    names.forEach((name, index) => (settings[`CLOSEOUT_${name}`] ??= `${ports[index]}`));
    if (policy) {
      settings['CLOSEOUT_POLICY'] = join(dataDir, 'policy.yaml');
      await writeFile(settings['CLOSEOUT_POLICY'], policy);
    }
    const stack = new Stack(dataDir, settings, isCluster);
    await stack.up();
    return stack;
  }

  /** Starts `closeout start` and waits until it says that it runs. */
  async up(): Promise<void> {
    this.log = '';
    const child = spawn(process.execPath, [cli, 'start', ...(this.isCluster ? ['--cluster'] : [])], {
      env: { ...cleanEnv(), ...this.env },
    });
    this.process = child;
    child.stdout.on('data', (data: Buffer) => (this.log += data.toString()));
    child.stderr.on('data', (data: Buffer) => (this.log += data.toString()));
    const isRunning = () => {
      if (this.log.includes('Closeout is running.')) return true;
      throw new Error(`start, whose exit code is ${child.exitCode}, said: ${this.log}`);
    };
    await until('the stack to start', isRunning, 110_000);
  }

  /** As Ctrl-C does. */
  async down(): Promise<void> {
    await this.disconnect();
    const child = this.process;
    if (!child || child.exitCode !== null) return;
    child.kill('SIGINT');
    await until('the stack to stop', () => child.exitCode !== null || child.signalCode !== null);
  }

  async end(): Promise<void> {
    await this.down();
    // Root's database is outside the data folder, which others cannot enter.
    const database = await realpath(join(this.dataDir, 'postgres')).catch(() => undefined);
    for (const folder of [database, this.dataDir]) if (folder) await rm(folder, { recursive: true, force: true });
  }

  /** `kill -9` of a part, or of all at once, `start` itself first so that nothing is revived. */
  async kill(part: 'everything' | 'start' | 'worker' | 'gateway' | 'Temporal' | 'PostgreSQL'): Promise<void> {
    const pids = this.pids();
    const names = part === 'everything' ? ['start', ...Object.keys(pids).filter((name) => name !== 'start')] : [part];
    for (const name of names) process.kill(await until(`${name} to run`, () => this.pids()[name]), 'SIGKILL');
    if (part === 'everything') await this.disconnect();
  }

  pids(): Record<string, number> {
    return JSON.parse(readFileSync(join(this.dataDir, 'pids.json'), 'utf8')) as Record<string, number>;
  }

  get client(): CloseoutClient {
    return this.connect().client;
  }

  get temporal(): Client {
    return this.connect().temporal;
  }

  private connect() {
    if (!this.opened) {
      const config = loadConfig({ ...this.env });
      const { connection, close } = openConnection(config.temporal.connection);
      this.opened = { client: CloseoutClient.connect(config), temporal: new Client({ connection }), close };
    }
    return this.opened;
  }

  private async disconnect(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await opened?.client.close();
    await opened?.close();
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.env['CLOSEOUT_PORT']}${path}`;
  }

  /** The command `closeout`, as a user runs it. */
  closeout(...args: string[]): Promise<Output> {
    return run(process.execPath, [cli, ...args], { ...cleanEnv(), ...this.env });
  }

  /** `closeout inbound`, as a mail server's pipe runs it. */
  inbound(mail: string, ...args: string[]): Promise<Output> {
    return inbound(mail, { ...cleanEnv(), ...this.env }, args);
  }

  /** One more worker process beside the stack's own, by default of the same build. */
  async secondWorker(env: Record<string, string> = {}, command = cli) {
    const [port] = await freePorts(1);
    const metrics = { CLOSEOUT_WORKER_METRICS: `127.0.0.1:${port}` };
    return this.beside('worker', { ...metrics, ...env }, command);
  }

  /** One more gateway; `moved` leads a link of the stack's own to it. */
  async secondGateway(env: Record<string, string>) {
    const [port] = await freePorts(1);
    const own = { CLOSEOUT_PORT: `${port}`, CLOSEOUT_PUBLIC_URL: this.url('') };
    const gateway = await this.beside('gateway', { ...own, ...env });
    return { ...gateway, moved: (link: string) => link.replace(this.url(''), `http://127.0.0.1:${port}`) };
  }

  private async beside(part: 'worker' | 'gateway', extra: Record<string, string>, command = cli) {
    const env = { ...cleanEnv(), ...this.env, ...extra };
    const child = spawn(process.execPath, [command, part], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the second ${part}: ${code}`)));
    await Promise.race([once(child, 'message'), ended]);
    const end = async () => {
      child.kill('SIGTERM');
      await until(`the second ${part} to end`, () => child.exitCode !== null || child.signalCode !== null);
    };
    return { end, kill: (signal: NodeJS.Signals) => child.kill(signal) };
  }

  /** A report that is closed and whose customer was asked; the mail. */
  async ask(id: string, report: Partial<NewReport> = {}): Promise<SeenMail> {
    await this.open(id, report);
    await this.client.clear(id);
    await this.untilStatus(id, 'asked', ({ survey }) => survey.state !== 'none');
    const [mail] = await this.untilMails(id, 1);
    if (!mail) throw new Error(`no mail about ${id}`);
    return mail;
  }

  /** Everything in the database, as text. */
  async dump(): Promise<string> {
    const names = await this.sql<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    );
    const tables = [];
    for (const { name } of names) tables.push({ name, rows: await this.sql(`select * from "${name}"`) });
    return JSON.stringify(tables);
  }

  /** Runs a statement in the database, as another program would. */
  async sql<Row extends object>(statement: string, values: unknown[] = []): Promise<Row[]> {
    const session = await openSession(this);
    try {
      return (await session.query<Row>(statement, values)).rows;
    } finally {
      await session.end();
    }
  }

  /** The `temporal` command: a service that knows only the names of the contract. */
  async temporalCli(...args: string[]): Promise<string> {
    const temporal = process.env['CLOSEOUT_TEMPORAL_CLI'] ?? '';
    const address = ['--address', `127.0.0.1:${this.env['CLOSEOUT_TEMPORAL_PORT']}`];
    const { code, stdout, stderr } = await run(temporal, [...args, ...address], cleanEnv());
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** `temporal workflow start` or `signal-with-start` of the process. */
  startWithCli(command: 'start' | 'signal-with-start', reportId: string, ...args: string[]): Promise<string> {
    const type = ['--type', 'closeProblemReport', '--task-queue', 'closeout'];
    const run = ['--workflow-id', workflowIdOf(reportId), '--input', JSON.stringify({ reportId })];
    return this.temporalCli('workflow', command, ...type, ...run, ...args);
  }

  /** `temporal workflow signal`. A string is sent as the payload unchanged. */
  signal(reportId: string, name: string, payload?: object | string): Promise<string> {
    const input = payload ? ['--input', typeof payload === 'string' ? payload : JSON.stringify(payload)] : [];
    return this.temporalCli('workflow', 'signal', '--workflow-id', workflowIdOf(reportId), '--name', name, ...input);
  }

  /** As a service does that does not know whether the report has a run. */
  signalWithStart(reportId: string, signal: string, payload?: object) {
    const signalArgs: unknown[] = payload ? [payload] : [];
    return this.temporal.workflow.signalWithStart('closeProblemReport', {
      workflowId: workflowIdOf(reportId),
      taskQueue: 'closeout',
      args: [{ reportId }],
      signal,
      signalArgs,
    });
  }

  /** Opens a report, by default of a customer of its own. */
  async open(id: string, report: Partial<NewReport> = {}): Promise<string> {
    const contact = { name: `Ann ${id}`, emailAddress: `${id.toLowerCase()}@customers.example` };
    const about = { description: `No dial tone on line ${id}`, severity: 'minor', ticketType: 'fault' };
    await this.client.open({ id, ...about, customerId: `customer-${id}`, contact, ...report });
    return id;
  }

  untilStatus(id: string, what: string, fits: (status: RunStatus) => boolean): Promise<RunStatus> {
    return until(`${id}: ${what}`, async () => {
      const status = await this.client.status(id);
      return fits(status) && status;
    });
  }

  untilPhase(id: string, phase: RunStatus['phase'], cycle?: number): Promise<RunStatus> {
    return this.untilStatus(id, phase, (status) => status.phase === phase && (cycle ?? status.cycle) === status.cycle);
  }

  /** Until all reports whose ids start with the prefix are in a phase, as one query in Temporal's index. */
  async untilAllIn(prefix: string, phase: RunStatus['phase'], cycle: number, count: number): Promise<void> {
    const query = `WorkflowId STARTS_WITH "${workflowIdOf(prefix)}" AND CloseoutPhase="${phase}" AND CloseoutCycle=${cycle}`;
    const all = async () => (await this.temporal.workflow.count(query)).count === count;
    await until(`${count} reports ${prefix}* in phase ${phase}`, all, 300_000);
  }

  untilHeld(id: string): Promise<RunStatus> {
    const isHeld = ({ held, phase }: RunStatus) => held && (phase === 'clearing' || phase === 'confirming');
    return this.untilStatus(id, 'held', isHeld);
  }

  /** Until the customer was asked to confirm, and may reply until a deadline. */
  untilAsked(id: string): Promise<RunStatus> {
    const isAsked = ({ phase, confirmation, until: end }: RunStatus) =>
      phase === 'confirming' && confirmation === 'sent' && end !== undefined;
    return this.untilStatus(id, 'asked to confirm', isAsked);
  }

  /** Until quiet hours or a delay postpone the mail to a deadline. */
  untilPostponed(id: string, phase: RunStatus['phase'] = 'surveying'): Promise<RunStatus> {
    const isPostponed = (now: RunStatus) =>
      now.phase === phase && now.until !== undefined && now.survey.state === 'none';
    return this.untilStatus(id, 'postponed', isPostponed);
  }

  untilSurvey(id: string, state: RunStatus['survey']['state']): Promise<RunStatus> {
    return this.untilStatus(id, `survey ${state}`, ({ survey }) => survey.state === state);
  }

  /** Every mail in the local mailbox, oldest first; those to the customer of a report when given. */
  async mails(id?: string): Promise<SeenMail[]> {
    const mails = await readMails(join(this.dataDir, 'outbox'));
    return id ? mails.filter((mail) => isAbout(mail, id) && !isAlert(mail)) : mails;
  }

  /** Alerts to the operator about a report. */
  async alerts(id: string): Promise<SeenMail[]> {
    return (await this.mails()).filter((mail) => isAbout(mail, id) && isAlert(mail));
  }

  untilMails(reportId: string, count: number): Promise<SeenMail[]> {
    return until(`${count} mails about ${reportId}`, async () => {
      const mails = await this.mails(reportId);
      return mails.length >= count && mails;
    });
  }

  /** The history of a report's last run. */
  history = (reportId: string) => this.temporal.workflow.getHandle(workflowIdOf(reportId)).fetchHistory();
}

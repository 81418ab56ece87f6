/** All stores in our PostgreSQL, from one connection pool. */
import type { TimelineEntry } from '../contract/timeline.js';
import { alarmTable, type AlarmTable } from './alarms.js';
import { apiTokenTable, type ApiTokens } from './access/api-tokens.js';
import { affectedReports, type AffectedReports } from './reports/affected.js';
import { rollUpClosingTimes } from './figures/closing-times.js';
import { countQueries, type Counts } from './figures/counts.js';
import type { Db } from './database/database.js';
import { customerErasure, type CustomerErasure } from './erasure.js';
import { eventTable, type Events } from './events/events.js';
import { observedReports, type ObservedReports } from './reports/observed.js';
import type { ReportStore } from './reports/store.js';
import { ticketLeases, type TicketLeases } from './reports/ticket-leases.js';
import { reportDesk, type Desk } from './reports/desk.js';
import { reportLedger, type Ledger } from './reports/ledger.js';
import { serviceProblemReports, type ServiceProblemReports } from './reports/service-problems.js';
import { reportStore } from './reports/store.js';
import { dueReports, type DueReports } from './reports/due-reports.js';
import { answerTable, type Answers } from './surveys/answers.js';
import { confirmationTable, type Confirmations } from './surveys/confirmations.js';
import { doNotContactLists, type DoNotContact } from './surveys/do-not-contact.js';
import { messageTable, type Messages } from './surveys/messages.js';
import { questionTable, type Questions } from './surveys/questions.js';
import { surveyIdsBy } from './surveys/survey-row.js';
import { surveyTable, type Surveys } from './surveys/surveys.js';
import { surveyTimeline, type Timeline } from './surveys/timeline.js';
import { reportTimeline } from './reports/timeline.js';
import { rollUpSurveys } from './figures/survey-counts.js';
import { sessionTable, type Sessions } from './access/sessions.js';
import { unsent, type Unsent } from './unsent.js';
import { systemStates, type SystemStates } from './system-states.js';
import { sweepTable, type Sweeps } from './sweeps.js';
import { workerTable, type Workers } from './workers.js';

export interface Stores {
  reports: ReportStore;
  ledger: Ledger;
  desk: Desk;
  /** Everything that happened to a report, oldest first. */
  timelineOf: (reportId: string) => Promise<TimelineEntry[]>;
  dueReports: DueReports;
  serviceProblems: ServiceProblemReports;
  surveys: Surveys;
  questions: Questions;
  confirmations: Confirmations;
  answers: Answers;
  messages: Messages;
  timeline: Timeline;
  doNotContact: DoNotContact;
  erasure: CustomerErasure;
  affected: AffectedReports;
  counts: Counts;
  /** Brings the daily figures up to date. Safe to repeat. */
  rollUp: () => Promise<void>;
  sweeps: Sweeps;
  workers: Workers;
  events: Events;
  observed: ObservedReports;
  ticketLeases: TicketLeases;
  systemStates: SystemStates;
  alarms: AlarmTable;
  unsent: Unsent;
  apiTokens: ApiTokens;
  sessions: Sessions;
}

/**
 * `addressKey`: keys the hashes in the do-not-contact lists, and the ids of surveys. `forLists`: other connections, for long lists and
 * figures.
 */
export function openStores(db: Db, addressKey: Buffer, forLists: Db = db): Stores {
  const doNotContact = doNotContactLists(db, addressKey);
  const hashOf = (address: string) => doNotContact.hashOf(address);
  const surveyIdOf = surveyIdsBy(addressKey);
  return {
    reports: reportStore(db, forLists),
    ledger: reportLedger(db, surveyIdOf),
    desk: reportDesk(db, forLists),
    timelineOf: (reportId) => reportTimeline(db, reportId),
    dueReports: dueReports(db),
    serviceProblems: serviceProblemReports(db),
    surveys: surveyTable(db, hashOf, surveyIdOf),
    questions: questionTable(db),
    confirmations: confirmationTable(db, hashOf, surveyIdOf),
    answers: answerTable(db),
    messages: messageTable(db),
    unsent: unsent(db),
    timeline: surveyTimeline(db),
    doNotContact,
    erasure: customerErasure(db),
    affected: affectedReports(db),
    counts: countQueries(forLists),
    rollUp: async () => {
      // Whichever fails does not keep the other from its turn.
      await Promise.all([rollUpSurveys(db), rollUpClosingTimes(db)]);
    },
    sweeps: sweepTable(db),
    workers: workerTable(db),
    events: eventTable(db),
    observed: observedReports(db),
    ticketLeases: ticketLeases(db),
    systemStates: systemStates(db),
    alarms: alarmTable(db),
    apiTokens: apiTokenTable(db),
    sessions: sessionTable(db),
  };
}

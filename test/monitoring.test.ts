import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';

/** What Prometheus' own grammar makes of an expression; empty: it is right. */
function faultsOf(expression: string): string[] {
  const faults: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from }) => void (type.isError && faults.push(`${expression} at ${from}`)),
  });
  return faults;
}

interface Rules {
  groups: { name: string; rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
}
interface RuleTests {
  tests: { alert_rule_test: { alertname: string; exp_alerts?: { exp_annotations: Record<string, string> }[] }[] }[];
}
interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

test('every alert is written in PromQL, has a name of its own, and says what to do', () => {
  const { groups } = parse(readFileSync('docs/monitoring/alerts.yaml', 'utf8')) as Rules;
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.flatMap(({ expr }) => faultsOf(expr))).toEqual([]);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { annotations } of rules) expect(Object.keys(annotations)).toEqual(['summary', 'action']);
  expect(faultsOf('rate(x[5m]')).not.toEqual([]);
});

test('what the tests of the alerts expect them to say is what they say', () => {
  const { groups } = parse(readFileSync('docs/monitoring/alerts.yaml', 'utf8')) as Rules;
  const said = new Map(groups.flatMap(({ rules }) => rules.map(({ alert, annotations }) => [alert, annotations])));
  const { tests } = parse(readFileSync('docs/monitoring/alerts.test.yaml', 'utf8')) as RuleTests;
  const checks = tests.flatMap((each) => each.alert_rule_test);
  expect(checks.length).toBeGreaterThan(0);
  for (const { alertname, exp_alerts: alerts = [] } of checks)
    for (const { exp_annotations: annotations } of alerts)
      expect([alertname, annotations]).toEqual([alertname, said.get(alertname)]);
});

test('every panel of the Grafana dashboard asks in PromQL', () => {
  const { panels } = JSON.parse(readFileSync('docs/monitoring/grafana.json', 'utf8')) as Dashboard;
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(expressions.length).toBeGreaterThan(5);
  expect(expressions.flatMap(faultsOf)).toEqual([]);
});

// Prometheus' own tool is a package of Debian's, not of npm's: where it is there, it says the last word.
const promtool = (...args: string[]) => spawnSync('promtool', args, { cwd: 'docs/monitoring', encoding: 'utf8' });
(promtool('--version').error ? test.skip : test)('promtool takes the rules, and they fire when they should', () => {
  for (const args of [
    ['check', 'rules', 'alerts.yaml'],
    ['test', 'rules', 'alerts.test.yaml'],
  ]) {
    const { status, stdout, stderr } = promtool(...args);
    expect([args, status, stdout + stderr]).toEqual([args, 0, expect.stringContaining('SUCCESS')]);
  }
});

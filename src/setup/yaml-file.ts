/** A YAML file of settings: where each setting is, and what is wrong with its syntax. */
import { readFileSync } from 'node:fs';
import { isAlias, isCollection, isNode, LineCounter, parseDocument, visit, type Document, type Scalar } from 'yaml';
import type { z } from 'zod';
import { CloseoutError } from '../contract/errors.js';
import { pathOf, reasonOf } from './reason.js';

export interface YamlFile {
  document: Document;
  /** The first fault of the syntax. */
  broken?: { line: number | undefined; message: string };
  /** The line of a setting, from 1, or of the nearest one around it that is there. */
  lineOf: (keys: readonly PropertyKey[]) => number | undefined;
  /** The setting is there, with or without a value. */
  has: (keys: readonly PropertyKey[]) => boolean;
}

/** The text of the file that a setting names. Throws `BadSetting`. */
export function readSettingsFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CloseoutError('BadSetting', `${setting} ${path}: cannot be read: ${(error as Error).message}`, setting);
  }
}

export interface Fault {
  reason: string;
  line: number | undefined;
}

/** What a schema has found. `nameOf`: how a setting is called. */
export const faultsOf = (
  issues: z.core.$ZodIssue[],
  lineOf: YamlFile['lineOf'],
  nameOf: (keys: readonly PropertyKey[]) => string = (keys) => keys.join('.'),
): Fault[] =>
  issues.map((issue) => {
    const keys = pathOf(issue);
    return { reason: `${nameOf(keys)} ${reasonOf(issue)}`, line: lineOf(keys) };
  });

/** Names the setting, the file and the line of each fault, at most ten. */
export function settingsFault(setting: string, path: string, faults: Fault[]): CloseoutError {
  const sorted = [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const lines = sorted.map(({ reason, line }) => `${setting} ${path}${line ? `, line ${line}` : ''}: ${reason}`);
  return new CloseoutError('BadSetting', lines.slice(0, 10).join('\n'), setting);
}

export function parseYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  visit(document, { Scalar: (_, scalar) => void keepDigits(scalar) });
  const nodeAt = (keys: readonly PropertyKey[]): unknown =>
    keys.reduce((around: unknown, key) => {
      const map = isAlias(around) ? around.resolve(document) : around;
      return isCollection(map) ? map.get(key, true) : undefined;
    }, document.contents);
  const lineOf = (keys: readonly PropertyKey[]): number | undefined => {
    const node = nodeAt(keys);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    return keys.length > 0 ? lineOf(keys.slice(0, -1)) : undefined;
  };
  const has = (keys: readonly PropertyKey[]) => nodeAt(keys) !== undefined;
  const [error] = document.errors;
  const message = error?.message.split('\n')[0]?.replace(/ at line .*/, '') ?? '';
  return { document, lineOf, has, broken: error && { line: error.linePos?.[0].line, message } };
}

/** An id such as 0042, or one that is longer than a number can be, stays as it is written. */
function keepDigits(scalar: Scalar): void {
  if (typeof scalar.value !== 'number' || !/^\d+$/.test(scalar.source ?? '')) return;
  if (String(scalar.value) !== scalar.source) scalar.value = scalar.source;
}

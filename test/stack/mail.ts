/** Mail in the local mailbox, and the links in it. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { simpleParser, type ParsedMail } from 'mailparser';

export interface SeenMail extends ParsedMail {
  raw: string;
}

/** Every mail in a mailbox, oldest first. */
export async function readMails(dir: string): Promise<SeenMail[]> {
  const names = existsSync(dir) ? (await readdir(dir)).filter((name) => name.endsWith('.eml')).sort() : [];
  return Promise.all(names.map((name) => readMail(join(dir, name))));
}

async function readMail(path: string): Promise<SeenMail> {
  const raw = await readFile(path, 'utf8');
  return Object.assign(await simpleParser(raw), { raw });
}

/** The link for a rating in a survey mail. */
export function linkIn({ text = '' }: ParsedMail, rating = 4): string {
  const link = text.match(/http:\S+\/s\/\S+/g)?.find((found) => found.endsWith(`?r=${rating}`));
  if (!link) throw new Error('no link in the mail');
  return link;
}

export const isAbout = ({ subject = '' }: SeenMail, id: string): boolean => subject.split(/[ :]/).includes(id);
export const isAlert = ({ messageId = '' }: ParsedMail): boolean => messageId.startsWith('<alert.');

import { divideReply } from '../../src/customer/quoted-text.js';

const quote = '> Is your problem solved?\n> 1 – very dissatisfied\n>\n> 2 – dissatisfied';

test.each([
  ['Gmail', 'On Tue, 24 Nov 2026 at 10:00, Acme Care <care@acme.example> wrote:'],
  ['Gmail in German', 'Am Di., 24. Nov. 2026 um 10:00 Uhr schrieb Acme Care <care@acme.example>:'],
  ['Gmail in French', 'Le mar. 24 nov. 2026 à 10:00, Acme Care <care@acme.example> a écrit :'],
  ['Gmail in Spanish', 'El mar, 24 nov 2026 a las 10:00, Acme Care (<care@acme.example>) escribió:'],
  ['a broken line', 'On Tue, 24 Nov 2026 at 10:00, Acme Customer Care\n<care@acme.example> wrote:'],
  ['nothing', ''],
])('the quote that %s begins is folded', (_, line) => {
  const text = `Still dead in branch 7.\nPlease call.\n\n${line}\n${quote}`;
  const { own, quoted } = divideReply(text);
  expect(own).toBe('Still dead in branch 7.\nPlease call.');
  expect(quoted).toContain('Is your problem solved?');
});

test.each([
  '-----Original Message-----\nFrom: Acme Care\nSent: Tuesday\nSubject: Report 7\n\nIs your problem solved?',
  '-----Ursprüngliche Nachricht-----\nVon: Acme Care\n\nIst das Problem behoben?',
  '________________________________\nFrom: Acme Care <care@acme.example>\nSent: Tuesday\n\nIs your problem solved?',
  'Von: Acme Care <care@acme.example>\nGesendet: Dienstag\nAn: Ann\nBetreff: Störung 7\n\nIst das Problem behoben?',
  'מאת: Acme Care\nנשלח: יום שלישי\nאל: Ann\nנושא: 7\n\nהאם הבעיה נפתרה?',
  'من: Acme Care\nتاريخ الإرسال: الثلاثاء\nإلى: Ann\nالموضوع: 7\n\nهل حُلّت المشكلة؟',
  '差出人: Acme Care\n送信日時: 火曜日\n宛先: Ann\n件名: 7\n\n問題は解決しましたか？',
  '发件人: Acme Care\n发送时间: 星期二\n收件人: Ann\n主题: 7\n\n问题解决了吗？',
])('Outlook quotes without marks', (tail) => {
  expect(divideReply(`It works now, thanks.\n\n${tail}`)).toEqual({ own: 'It works now, thanks.', quoted: tail });
});

test.each([
  ['no quote', 'It works now.\nThanks!'],
  ['an answer below the quote', `${quote}\n\nNo, it is dead again.`],
  ['answers between quoted lines', 'Hello,\n> Is your problem solved?\nNo.\n> 1 – very dissatisfied\nThis one.'],
  ['a line that only looks like a header', 'From: here to there nothing works.\nPlease come.'],
  ['a sentence with "wrote:"', 'Your technician wrote:\nall fine, but nothing is.'],
  ['a line of underscores in a text', 'It works.\n______________\nBut the second line is dead.'],
  ['an attribution that is broken, with no quote', 'On Monday your technician\nwrote:\nall is fine. It is not.'],
  ['a quote alone', quote],
])('%s is left as it is', (_, text) => {
  const { own } = divideReply(text);
  for (const line of text.split('\n').filter((line) => !line.startsWith('>') && line !== ''))
    expect(own).toContain(line);
});

test('a word below as many quoted lines as a mail can hold is kept', () => {
  const text = `No.\n${'>\n'.repeat(100_000)}Call me.`;
  expect(divideReply(text)).toEqual({ own: text, quoted: '' });
});

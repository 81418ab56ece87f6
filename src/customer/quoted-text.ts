/** Divides a reply into what the customer wrote and the mail that it quotes. Pure. */

export interface DividedReply {
  own: string;
  /** Empty if nothing is quoted below the customer's words. */
  quoted: string;
}

/** The line with which mail programs begin a quote: "On … wrote:", a rule, or the first header of the quoted mail. */
const attribution =
  /^.{0,200}(wrote|schrieb|écrit|escribió|escreveu|napisał|ha scritto|كتب|כתב|写道|のメール).{0,80}[:：]$/iu;
const originalMessage =
  /^-{2,}\s*(Original Message|Ursprüngliche Nachricht|Message d'origine|Mensaje original|Mensagem original)/iu;

const headerOfQuote = /^\*?(From|Von|De|Od|Da|מאת|من|差出人|发件人)\s?[:：]\*?\s/iu;
const laterHeader =
  /^\*?(Sent|Date|Gesendet|Datum|Envoyé|Enviado|Wysłano|To|An|À|Para|Do|Subject|Betreff|Objet|Asunto|Assunto|Temat|נשלח|אל|נושא|تاريخ الإرسال|إلى|الموضوع|送信日時|宛先|件名|发送时间|收件人|主题)\s?[:：]/iu;

/** An answer below or between quoted lines is left as it is: nobody may miss a customer's words. */
export function divideReply(text: string): DividedReply {
  const lines = text.split('\n');
  const below = linesBelow(lines);
  const start = lines.findIndex((_, index) => beginsQuote(lines, index, below));
  if (start <= 0) return { own: text, quoted: '' };
  const own = lines.slice(0, start).join('\n').trim();
  return own === '' ? { own: text, quoted: '' } : { own, quoted: lines.slice(start).join('\n').trim() };
}

/** What is found from a line to the end. */
interface Below {
  /** No words of the customer; a signature does not count. */
  onlyQuoted: boolean;
  someQuoted: boolean;
}

/** From the end, in one pass: a customer may send as many quoted lines as a mail can hold. */
function linesBelow(lines: string[]): Below[] {
  const below: Below[] = [];
  let last: Below = { onlyQuoted: true, someQuoted: false };
  below[lines.length] = last;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index] ?? '';
    const isQuoted = line.trimStart().startsWith('>');
    const isSignature = /^--\s*$/.test(line);
    last = {
      onlyQuoted: isSignature || ((isQuoted || line.trim() === '') && last.onlyQuoted),
      someQuoted: isQuoted || last.someQuoted,
    };
    below[index] = last;
  }
  return below;
}

function beginsQuote(lines: string[], index: number, below: Below[]): boolean {
  const line = (lines[index] ?? '').trim();
  const next = (lines[index + 1] ?? '').trim();
  const isQuoteFrom = (from: number) => below[from]?.someQuoted === true && below[from].onlyQuoted;
  if (line.startsWith('>')) return below[index + 1]?.onlyQuoted ?? true;
  if (originalMessage.test(line)) return true;
  if (/^_{10,}$/.test(line)) return headerOfQuote.test(next);
  if (headerOfQuote.test(line))
    return lines.slice(index + 1, index + 5).some((later) => laterHeader.test(later.trim()));
  if (attribution.test(line)) return isQuoteFrom(index + 1);
  // Some programs break the line of the attribution.
  return /^(On|Am|Le|El|Em|W dniu)\s/u.test(line) && attribution.test(`${line} ${next}`) && isQuoteFrom(index + 2);
}

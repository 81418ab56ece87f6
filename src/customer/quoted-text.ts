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
  /^\*?(Sent|Date|Gesendet|Datum|Envoyé|Enviado|Wysłano|To|An|À|Para|Do|Subject|Betreff|Objet|Asunto|Assunto|Temat)\s?[:：]/iu;

/** An answer below or between quoted lines is left as it is: nobody may miss a customer's words. */
export function divideReply(text: string): DividedReply {
  const lines = text.split('\n');
  const start = lines.findIndex((_, index) => beginsQuote(lines, index));
  if (start <= 0) return { own: text, quoted: '' };
  const own = lines.slice(0, start).join('\n').trim();
  return own === '' ? { own: text, quoted: '' } : { own, quoted: lines.slice(start).join('\n').trim() };
}

function beginsQuote(lines: string[], index: number): boolean {
  const line = (lines[index] ?? '').trim();
  const rest = lines.slice(index + 1);
  if (line.startsWith('>')) return onlyQuoted(rest);
  if (originalMessage.test(line)) return true;
  if (/^_{10,}$/.test(line)) return headerOfQuote.test((lines[index + 1] ?? '').trim());
  if (headerOfQuote.test(line)) return rest.slice(0, 4).some((next) => laterHeader.test(next.trim()));
  if (attribution.test(line)) return rest.some(isQuoted) && onlyQuoted(rest);
  // Some programs break the line of the attribution.
  const next = (lines[index + 1] ?? '').trim();
  return (
    /^(On|Am|Le|El|Em|W dniu)\s/u.test(line) &&
    attribution.test(`${line} ${next}`) &&
    rest.slice(1).some(isQuoted) &&
    onlyQuoted(rest.slice(1))
  );
}

const isQuoted = (line: string): boolean => line.trimStart().startsWith('>');

/** No words of the customer follow; a signature does not count. */
function onlyQuoted(lines: string[]): boolean {
  const signature = lines.findIndex((line) => /^--\s*$/.test(line));
  const body = signature < 0 ? lines : lines.slice(0, signature);
  return body.every((line) => line.trim() === '' || isQuoted(line));
}

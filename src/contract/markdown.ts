/** Text from outside in the Temporal UI, which renders Markdown. */

/** The server accepts summaries of 200 bytes. */
const maxCharacters = 40;

/** Text as a code span, in which nothing is a link, an image or HTML. */
export function literal(text: string): string {
  const plain = text.replace(/[`\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim();
  const short = Array.from(plain).slice(0, maxCharacters).join('');
  return `\`${short}${short === plain ? '' : '…'}\``;
}

/** Text in a sentence, in which nothing is Markdown. */
export const escaped = (text: string): string => text.replace(/[\\`*_{}[\]<>()#|!~]/g, '\\$&');

import { verdictOf } from './grammar.js';
import { isDisclaimer, isSentFrom, isSignatureMark } from './signatures.js';

// From, Sent, To, Subject, Date: the block that Outlook puts above what it quotes.
const HEADER =
  /^[*>\s]*(?:from|sent|to|cc|subject|date|reply-to|von|gesendet|an|betreff|datum|de(?: la)?|envoyé|à|objet|date|enviado(?: el)?|para|asunto|fecha|assunto|da|inviato|a|oggetto|data|van|verzonden|aan|onderwerp|från|skickat|till|ämne|fra|sendt|til|emne|lähettäjä|lähetetty|vastaanottaja|aihe|od|wysłano|do|temat|odesláno|komu|předmět|odoslané|predmet|feladó|küldve|címzett|tárgy|trimis|către|subiect|kimden|gönderildi|gönderme|kime|konu|από|στάλθηκε|προς|θέμα|от|отправлено|кому|тема|від|надіслано|изпратено|до|من|تم الإرسال|إلى|الموضوع|מאת|נשלח|אל|נושא|प्रेषक|भेजा गया|प्रति|विषय|发件人|发送时间|收件人|主题|寄件者|主旨|差出人|送信日時|宛先|件名|보낸 사람|보낸 날짜|받는 사람|제목|từ|đã gửi|đến|chủ đề|dari|dikirim|kepada|subjek|จาก|ส่ง|ถึง|เรื่อง)\s*(?:\*\s*)?[:：]/iu;
// oxlint-disable-next-line regexp/no-super-linear-backtracking -- of a line that is longer than MAX_RULE_CHARS it tries nothing
const RULE = /^\s*[-_=*]{2,}\s*[^\s\-_=].{2,60}[^\s\-_=]\s*[-_=*]{2,}\s*$/u;
const MAX_RULE_CHARS = 200;
const isRule = (line: string): boolean => line.length <= MAX_RULE_CHARS && RULE.test(line);
const QUOTED = /^\s*(?:>|&gt;)/u;
const ENDS_ATTRIBUTION = /[:：]\s*$/u;
const YEAR = /\d{4}/u;
const WRAPPED_AT = 70;
const BRACKETED = /<[^<>]*@|\[mailto:/iu;

/** Any form of an address of ours: also with a tag behind a plus. */
function namesUs(line: string, ourAddress: string): boolean {
  const [local = '', domain = ''] = ourAddress.toLowerCase().split('@');
  const text = line.toLowerCase();
  const at = text.indexOf(`@${domain}`);
  return domain !== '' && at !== -1 && text.slice(0, at).includes(local);
}

const isNamed = (line: string, ourName: string | undefined): boolean =>
  ourName !== undefined && ourName !== '' && line.toLowerCase().includes(ourName.toLowerCase());

/** Where the quoted mail begins: the number of its first line, or of lines when nothing is quoted. */
function quoteStart(
  lines: readonly string[],
  ourAddresses: readonly string[],
  ourName: string | undefined,
): number {
  for (const [at, line] of lines.entries()) {
    const next = lines.slice(at + 1, at + 5);
    const headers = [line, ...next].filter((other) => HEADER.test(other)).length;
    if (QUOTED.test(line) || (isRule(line) && headers > 0) || (HEADER.test(line) && headers > 2)) return at;
    // People write our name and address too: an attribution has the address in brackets, or the year and a colon.
    const isMarked = next.find((other) => other.trim() !== '')?.startsWith('>') === true;
    const isEnded = ENDS_ATTRIBUTION.test(line) && YEAR.test(line);
    if (!ourAddresses.some((address) => namesUs(line, address))) {
      if (isNamed(line, ourName) && isMarked && isEnded) return at;
      continue;
    }
    const isWrapped = /<\s*$/u.test(lines[at - 1] ?? '');
    const end = [line, ...next.slice(0, 2)].findIndex((other) => ENDS_ATTRIBUTION.test(other));
    if (isEnded || ((isWrapped || BRACKETED.test(line)) && (end !== -1 || isMarked)))
      return isWrapped && at > 1 ? at - 1 : at;
  }
  return lines.length;
}

/** Whether a line is the rest of the quoted one before it: its first word had no room there, and it decides nothing. */
const isTailOf = (before: string, line: string): boolean =>
  QUOTED.test(before) &&
  before.length + 1 + (line.split(/\s/u, 1)[0] ?? '').length > WRAPPED_AT &&
  verdictOf(line).verdict === 'unclear';

/** What stands below a quote marked by `>` and is no tail of a line that was wrapped. */
function belowQuote(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => QUOTED.test(line));
  if (last === -1) return [];
  const after = lines.slice(lines.findIndex((line) => QUOTED.test(line)));
  return after.filter((line, at) => {
    return line.trim() !== '' && !QUOTED.test(line) && !isTailOf(after[at - 1] ?? '', line);
  });
}

export interface OwnText {
  readonly text: string;
  /** Words below the quoted mail: nobody can tell whose they are. */
  readonly below: string;
}

const MAX_PARAGRAPH_LINES = 50;

/** From a line to the next one that is empty, as one line. */
function paragraphFrom(lines: readonly string[], start: number): string {
  const some = lines.slice(start, start + MAX_PARAGRAPH_LINES);
  const end = some.findIndex((line) => line.trim() === '');
  return some.slice(0, end === -1 ? undefined : end).join(' ');
}

/** Leaves out all below a signature's mark, the paragraph of a disclaimer, and what a program adds of itself. */
function withoutSignature(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let inDisclaimer = false;
  for (const [at, line] of lines.entries()) {
    if (isSignatureMark(line)) break;
    inDisclaimer = isDisclaimer(paragraphFrom(lines, at)) || (inDisclaimer && line.trim() !== '');
    if (!inDisclaimer && !isSentFrom(line)) kept.push(line);
  }
  return kept;
}

/** What the sender wrote above the mail they answer. */
export function ownTextOf(text: string, ourAddresses: readonly string[], ourName?: string): OwnText {
  const lines = text.split(/\r\n|[\n\r]/u);
  const start = quoteStart(lines, ourAddresses, ourName);
  return {
    text: withoutSignature(lines.slice(0, start)).join('\n').trim(),
    below: withoutSignature(belowQuote(lines.slice(start)))
      .join('\n')
      .trim(),
  };
}

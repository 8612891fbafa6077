import type { Severity } from './severity.js';
import { shortened, type Telling } from './telling.js';

// What Discord takes, in characters; all of an embed together as well.
const MAX_TITLE = 256;
const MAX_NAME = 256;
const MAX_VALUE = 1_024;
const MAX_FIELDS = 25;
const MAX_EMBED = 6_000;

const COLOURS: Readonly<Record<Severity, number>> = {
  debug: 0x95a5a6,
  info: 0x3498db,
  warning: 0xf1c40f,
  error: 0xe74c3c,
  critical: 0x992d22,
};

/** Text that is shown as it is: no markdown, no links behind words, and no call for everyone. */
export function discordText(text: string, max: number): string {
  for (let keep = Math.min(text.length, max); ; keep = Math.floor(keep * 0.8)) {
    const escaped = shortened(text, keep)
      .replace(/[\\*_~`|<>[\]()#-]/g, '\\$&')
      // A bare URL is a link too, and no backslash ends that.
      .replaceAll('://', ':\u200b//')
      .replaceAll('@', '@\u200b');
    if (escaped.length <= max) return escaped;
  }
}

/** A message as one embed. */
export function discordMessageOf(telling: Telling): object {
  const { what, severity, timestamp, link } = telling;
  const title = discordText(what === '' ? telling.title : `${telling.title}: ${what}`, MAX_TITLE);
  const footer = `Lineclear, ${severity}`;
  let left = MAX_EMBED - title.length - footer.length;
  const fields: object[] = [];
  for (const [label, text] of telling.rows) {
    if (text === '') continue;
    const field = { name: discordText(label, MAX_NAME), value: discordText(text, MAX_VALUE), inline: true };
    left -= field.name.length + field.value.length;
    if (left < 0 || fields.length === MAX_FIELDS) break;
    fields.push(field);
  }
  return {
    // Whatever a text holds, it pings nobody.
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title,
        ...(link === undefined ? {} : { url: link }),
        color: COLOURS[severity],
        fields,
        footer: { text: footer },
        timestamp,
      },
    ],
  };
}

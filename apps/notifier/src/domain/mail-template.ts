import { escapeHtml } from './escape-html.js';
import { BARS, DARK, LIGHT, ON_BAR } from './mail-palette.js';
import type { Severity } from './severity.js';

type LabelAndValue = readonly [label: string, value: string];

/** One of several events that a mail lists. */
export interface MailItem {
  readonly severity: Severity;
  readonly title: string;
  readonly url?: string;
  readonly lines: readonly string[];
}

export type MailPart =
  | { readonly kind: 'paragraph' | 'note'; readonly text: string }
  /** What somebody looks for first, in large letters. */
  | { readonly kind: 'figures' | 'rows'; readonly rows: readonly LabelAndValue[] }
  | { readonly kind: 'button'; readonly label: string; readonly url: string }
  | { readonly kind: 'items'; readonly items: readonly MailItem[] };

export interface MailPage {
  readonly title: string;
  /** What a list of mails shows behind the subject. */
  readonly preheader: string;
  readonly severity: Severity;
  /** What the bar says instead of how severe it is. */
  readonly bar?: string;
  /** The first thing to be seen, above all else. */
  readonly above?: string;
  readonly parts: readonly MailPart[];
}

const WORDS: Readonly<Record<Severity, string>> = {
  debug: 'Debug',
  info: 'Information',
  warning: 'Warning',
  error: 'Error',
  critical: 'Critical',
};

// Outlook hands no font down into tables: each cell names it.
const FONT = "font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const BODY = 'font-size:16px;line-height:24px';
const SMALL = 'font-size:13px;line-height:20px';
const TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"';
// Mail programs that know no style sheets show what is inline: it has to be whole without this.
const SHEET = `
:root{color-scheme:light dark;supported-color-schemes:light dark}
body{margin:0;padding:0}
a{color:${LIGHT.link}}
@media (max-width:480px){
.lc-side{padding-left:16px!important;padding-right:16px!important}
.lc-label,.lc-value{display:block!important;width:auto!important}
.lc-label{padding-bottom:0!important}
.lc-value{border-top:none!important;padding-top:2px!important}
}
@media (prefers-color-scheme:dark){
.lc-page{background-color:${DARK.page}!important}
.lc-card{background-color:${DARK.card}!important;border-color:${DARK.line}!important}
.lc-text{color:${DARK.text}!important}
.lc-muted{color:${DARK.muted}!important}
.lc-line{border-color:${DARK.line}!important}
.lc-button{background-color:${DARK.button}!important}
.lc-on-button{color:${DARK.onButton}!important}
a{color:${DARK.link}!important}
}`;

/** A whole mail in HTML: layout by tables and styles inline, as mail programs need it. Everything given is text. */
export function mailHtml({ title, preheader, severity, bar, above, parts }: MailPage): string {
  return [
    '<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${SHEET}\n</style></head>`,
    // Without attributes: programs that quote a mail put its body into theirs.
    '<body>',
    `<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${escapeHtml(preheader)}</div>`,
    `${TABLE} class="lc-page" style="background-color:${LIGHT.page}"><tr><td align="center" style="padding:16px 8px">`,
    // Outlook knows no max-width.
    '<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0"><tr><td><![endif]-->',
    `${TABLE} style="max-width:600px;${FONT};${BODY};color:${LIGHT.text}">`,
    above === undefined ? '' : aside(above, '4px 24px 12px'),
    `<tr><td class="lc-card" style="background-color:${LIGHT.card};border:1px solid ${LIGHT.line};border-radius:8px">`,
    `${TABLE} class="lc-text" style="${FONT};color:${LIGHT.text}">`,
    `<tr><td class="lc-side" style="background-color:${BARS[severity]};color:${ON_BAR};padding:8px 24px;border-radius:7px 7px 0 0;${FONT};font-size:14px;line-height:20px;font-weight:600">${escapeHtml(bar ?? WORDS[severity])}</td></tr>`,
    block(
      '20px 24px 8px',
      `<h1 class="lc-text" style="margin:0;${FONT};font-size:21px;line-height:28px;font-weight:600;color:${LIGHT.text}">${escapeHtml(title)}</h1>`,
    ),
    ...parts.map(partHtml),
    block('4px 24px 12px', ''),
    '</table></td></tr>',
    aside('Sent by Lineclear', '12px 24px 4px'),
    '</table>',
    '<!--[if mso]></td></tr></table><![endif]-->',
    '</td></tr></table>',
    '</body></html>',
  ].join('\n');
}

const block = (padding: string, html: string, size = BODY): string =>
  `<tr><td class="lc-side lc-text" style="padding:${padding};${FONT};${size};color:${LIGHT.text};word-break:break-word">${html}</td></tr>`;

const aside = (text: string, padding: string): string =>
  `<tr><td class="lc-side lc-muted" align="center" style="padding:${padding};${FONT};${SMALL};color:${LIGHT.muted}">${escapeHtml(text)}</td></tr>`;

const note = (...lines: string[]): string =>
  `<span class="lc-muted" style="${SMALL};color:${LIGHT.muted}">${lines.map(escapeHtml).join('<br>')}</span>`;

function partHtml(part: MailPart): string {
  switch (part.kind) {
    case 'paragraph':
      return block('6px 24px', escapeHtml(part.text));
    case 'note':
      return block('4px 24px', note(part.text), SMALL);
    case 'figures':
      return block('4px 24px', `${TABLE}><tr>${part.rows.map(figure).join('')}</tr></table>`);
    case 'rows':
      return block(
        '12px 24px',
        `<table width="100%" cellpadding="0" cellspacing="0" border="0">${part.rows.map(row).join('')}</table>`,
      );
    case 'button':
      return (
        block('12px 24px 4px', button(part.label, part.url)) + block('4px 24px 8px', note(part.url), SMALL)
      );
    case 'items':
      return block('4px 24px', `${TABLE}>${part.items.map(item).join('\n')}</table>`);
  }
}

const figure = ([label, value]: LabelAndValue): string =>
  `<td width="50%" valign="top" style="padding:4px 12px 4px 0;${FONT};word-break:break-word">${note(label)}<br>` +
  `<span class="lc-text" style="font-size:22px;line-height:30px;font-weight:600;color:${LIGHT.text}">${escapeHtml(value)}</span></td>`;

function row([label, value]: LabelAndValue): string {
  const cell = `padding:7px 0;border-top:1px solid ${LIGHT.line};${FONT};font-size:14px;line-height:20px`;
  return (
    `<tr><th scope="row" width="140" align="left" valign="top" class="lc-label lc-line lc-muted" style="${cell};font-weight:normal;color:${LIGHT.muted}">${escapeHtml(label)}</th>` +
    `<td valign="top" class="lc-value lc-line lc-text" style="${cell};color:${LIGHT.text};word-break:break-word">${escapeHtml(value)}</td></tr>`
  );
}

// The colour of the letters is within the link: mail programs colour links themselves, and underline no inline-block.
const button = (label: string, url: string): string =>
  `<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="lc-button" style="background-color:${LIGHT.button};border-radius:6px">` +
  `<a href="${escapeHtml(url)}"><span class="lc-on-button" style="display:inline-block;padding:12px 22px;${FONT};font-size:16px;line-height:20px;font-weight:600;color:${LIGHT.onButton};text-decoration:none">${escapeHtml(label)}</span></a></td></tr></table>`;

// Short: a mail may list many, and some programs cut a mail that is longer than 102 kB.
function item({ severity, title, url, lines }: MailItem): string {
  const name = escapeHtml(title);
  const head = url === undefined ? name : `<a href="${escapeHtml(url)}">${name}</a>`;
  return `<tr><td class="lc-line" style="padding:9px 0;border-top:1px solid ${LIGHT.line};${FONT}">${WORDS[severity]}: ${head}<br>${note(...lines)}</td></tr>`;
}

import { convert, type Builder, type Node } from 'html-to-text';

export const MAX_HTML_CHARS = 256_000;
const MAX_DEPTH = 300;

const QUOTES = [
  'gmail_quote',
  'gmail_quote_container',
  'yahoo_quoted',
  'moz-cite-prefix',
  'protonmail_quote',
];
// With the mark "-- " in them, of which HTML shows no space.
const SIGNATURES = ['gmail_signature', 'gmail_signature_prefix', 'moz-signature'];
const QUOTE_IDS = ['appendonsend'];
/** From whom and when, as Outlook writes it above what it quotes: that stands below, in no element of its own. */
const QUOTE_BEGINS = 'divrplyfwdmsg';
const CUT = '\uE000';
const UNREAD = [
  // Struck out: taken back.
  's',
  'strike',
  'del',
  'script',
  'style',
  'head',
  'title',
  'template',
  'noscript',
  'textarea',
  'select',
  'option',
  'button',
  'img',
  'svg',
  'object',
  'iframe',
];
const BLOCKS = [
  'div',
  'p',
  'table',
  'tr',
  'ul',
  'ol',
  'li',
  'pre',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'section',
  'article',
  'header',
  'footer',
  'main',
  'form',
  'hr',
  'center',
  'td',
  'th',
  'dl',
  'dt',
  'dd',
];

// Bounded where anything may stand between: styles may be built to be hard to read.
const HIDES =
  /display:none|visibility:(?:hidden|collapse)|font-size:(?:0(?:\.\d+)?|1)(?:px|pt|em|rem|%)?(?:;|!|$)|font:[^;]{0,200}\b[01]px|opacity:0?(?:\.0\d*)?(?:;|!|$)|mso-hide:all|text-decoration(?:-line)?:[^;]{0,200}line-through|(?:max-)?(?:height|width):0(?:px|pt)?(?:;|!|$)|text-indent:-\d{3}|(?:left|top|right|margin-left|margin-top):-\d{3}|(?:^|;)color:(?:transparent|white|#fff(?:fff)?|rgba?\(255,255,255[,)])|clip(?:-path)?:|transform:scale\(0/u;
const plainCss = (css: string): string => css.toLowerCase().replace(/\/\*.*?(?:\*\/|$)|\s|\\/gsu, '');

// With what a server put before it, such as "x_".
const hasId = ({ attribs }: Node, id: string): boolean => (attribs['id'] ?? '').toLowerCase().endsWith(id);

// What the button that indents a paragraph makes: words of the sender's own.
const isIndented = (attribs: Node['attribs']): boolean =>
  attribs['type'] === undefined &&
  /(?:^|;)border(?:-width)?:(?:none|0)/u.test(plainCss(attribs['style'] ?? ''));

/** Nothing in it is what the sender says: quoted, struck out, or not to be seen. */
function isDropped(node: Node): boolean {
  const { name, attribs } = node;
  const classes = (attribs['class'] ?? '').toLowerCase().split(/\s+/u);
  return (
    UNREAD.includes(name) ||
    (name === 'blockquote' && !isIndented(attribs)) ||
    attribs['hidden'] !== undefined ||
    attribs['aria-hidden'] === 'true' ||
    [...QUOTES, ...SIGNATURES].some((one) => classes.includes(one)) ||
    QUOTE_IDS.some((id) => hasId(node, id)) ||
    HIDES.test(plainCss(attribs['style'] ?? '')) ||
    (name === 'font' && /^(?:white|#fff(?:fff)?)$/iu.test(attribs['color'] ?? ''))
  );
}

function write(node: Node, walk: (nodes: Node[], builder: Builder) => void, builder: Builder): void {
  if (hasId(node, QUOTE_BEGINS)) return builder.addInline(CUT);
  if (isDropped(node)) return;
  if (node.name === 'br') return builder.addLineBreak();
  if (!BLOCKS.includes(node.name) && node.name !== 'blockquote') return walk(node.children, builder);
  // A paragraph stands apart, as in a text.
  const lineBreaks = node.name === 'p' ? 2 : 1;
  builder.openBlock({ leadingLineBreaks: lineBreaks });
  walk(node.children, builder);
  builder.closeBlock({ trailingLineBreaks: lineBreaks });
}

const VOID = /^(?:br|hr|img|input|meta|link|col|area|base|wbr|source|p|li|td|tr|th|option)$/u;
function isTooDeep(html: string): boolean {
  let depth = 0;
  for (const [, close, name = ''] of html.matchAll(/<(\/?)([a-z][a-z0-9:-]*)/giu)) {
    if (VOID.test(name.toLowerCase())) continue;
    depth = close === '/' ? Math.max(0, depth - 1) : depth + 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

export type HtmlText = { text: string } | { refused: string };

/** What a reader sees of a mail in HTML, without the quoted mail. Refuses what is too long, too deep or hides by a style sheet. */
export function htmlText(html: string): HtmlText {
  if (html.length > MAX_HTML_CHARS) return { refused: 'its HTML is too long' };
  if (isTooDeep(html)) return { refused: 'its HTML is nested too deep' };
  const sheets = html
    .split(/<style/iu)
    .slice(1)
    .map((tag) => plainCss(/^[^>]*>([^<]*)/u.exec(tag)?.[1] ?? ''));
  if (sheets.some((css) => HIDES.test(css.replaceAll('}', ';').replaceAll('{', ';'))))
    return { refused: 'a style sheet in it hides text' };
  const tags = [...BLOCKS, ...UNREAD, 'blockquote', 'br', 'a', 'wbr', 'article', 'aside', 'nav'];
  const text = convert(html.replaceAll(CUT, ' '), {
    wordwrap: false,
    // Not the first body alone: readers see what is around it, and programs quote whole mails.
    baseElements: { selectors: [] },
    // Not U+200B, which it would make a space of inside a word.
    whitespaceCharacters: ' \t\r\n\f',
    limits: { maxInputLength: MAX_HTML_CHARS, maxDepth: MAX_DEPTH, maxChildNodes: 5_000, ellipsis: '?' },
    formatters: { own: write },
    selectors: [...new Set(['*', ...tags, '[class]', '[id]', '[style]', '[hidden]'])].map((selector) => ({
      selector,
      format: 'own',
    })),
  });
  return { text: text.split(CUT, 1)[0] ?? '' };
}

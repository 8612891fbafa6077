import { domainToASCII } from 'node:url';
import { MailParser, type AddressObject } from 'mailparser';
import { readReply, type Ours, type ReadReply } from '../replies/read-reply.js';
import { failureOf, quoted } from './delivery-report.js';
import { asRecord, headerLines, type HeaderLine } from './header-lines.js';

const MAX_PARTS = 100;
const MAX_DEPTH = 20;

/** A mail as far as it matters, its words already read. */
export interface ParsedMail {
  readonly lines: readonly HeaderLine[];
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly read: ReadReply;
  /** That a mail of ours reached nobody, as this one tells. */
  readonly unreached?: { readonly why: 'bounced' | 'away'; readonly detail: string };
}

interface Part {
  readonly children?: readonly Part[];
}
interface Attachment {
  readonly type: 'attachment';
  readonly content: NodeJS.ReadableStream;
  release(): void;
}
interface Text {
  readonly type: 'text';
  readonly text?: string;
  readonly html?: string | false;
}

/** Parses a mail and reads what its sender wrote. A mail that is built to be hard to read is refused with why. */
export async function parseMail(raw: Buffer, ours: Ours): Promise<ParsedMail | { readonly refused: string }> {
  const lines = headerLines(raw);
  if (!lines) return { refused: 'its header is malformed' };
  const parser = new MailParser({
    // One more than allowed is enough to know. Its types do not know that it hands this on.
    ...({ maxChildNodes: MAX_PARTS + 1 } as object),
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  let text: Text | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    parser.once('error', reject);
    parser.once('end', resolve);
  });
  parser.on('data', (part: Attachment | Text) => {
    if (part.type === 'text') text = part;
    else part.content.on('end', () => part.release()).resume();
  });
  parser.end(raw);
  try {
    await ended;
  } catch (error) {
    if ((error as { code?: string }).code === 'EMAXLEN') return { refused: 'it has too many parts' };
    throw error;
  }
  const { tree, headers } = parser as unknown as { tree: Part; headers: ReadonlyMap<string, unknown> };
  if (depthOf(tree) > MAX_DEPTH) return { refused: 'its parts are nested too deep' };
  const addresses = (name: string): string[] =>
    [headers.get(name) ?? []].flat().flatMap((header) => addressesOf(header as AddressObject));
  const html = text?.html === false ? undefined : text?.html;
  const read = readReply({ text: text?.text, html, headers: asRecord(lines) }, ours);
  const unreached = unreachedOf(read, raw, text?.text ?? '', headers.get('subject'));
  return {
    lines,
    from: addresses('from'),
    to: addresses('to'),
    cc: addresses('cc'),
    read,
    ...(unreached && { unreached }),
  };
}

function unreachedOf(
  { kind }: ReadReply,
  raw: Buffer,
  text: string,
  subject: unknown,
): ParsedMail['unreached'] {
  if (kind === 'auto_reply')
    return { why: 'away', detail: quoted(typeof subject === 'string' ? subject : '') };
  const detail = kind === 'bounce' ? failureOf(raw, text) : undefined;
  return detail === undefined ? undefined : { why: 'bounced', detail };
}

const depthOf = ({ children = [] }: Part): number => 1 + Math.max(0, ...children.map(depthOf));

const addressesOf = ({ value }: Pick<AddressObject, 'value'>): string[] =>
  value.flatMap(({ address = '', group }) => (group ? addressesOf({ value: group }) : inAscii(address)));

// The parser shows domains in letters of any script; they are compared as DNS has them.
function inAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return `${address.slice(0, at)}${domainToASCII(address.slice(at))}`.toLowerCase();
}

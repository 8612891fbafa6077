import { domainToASCII } from 'node:url';
import { MailParser, type AddressObject } from 'mailparser';
import { readReply, type Ours, type ReadReply } from '../replies/read-reply.js';
import { readDeliveryReport, returnedMessageId, type DeliveryReport } from './delivery-report.js';
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
  /** What a mail server says in it became of a mail of ours, and that mail's id. */
  readonly report?: DeliveryReport;
  readonly returnedId?: string;
}

interface Part {
  readonly children?: readonly Part[];
}
interface Attachment {
  readonly type: 'attachment';
  readonly contentType?: string;
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
    keepDeliveryStatus: true,
  });
  let text: Text | undefined;
  const reports = new Map<string, string>();
  const ended = new Promise<void>((resolve, reject) => {
    parser.once('error', reject);
    parser.once('end', resolve);
  });
  parser.on('data', (part: Attachment | Text) => {
    if (part.type === 'text') text = part;
    else keep(part, reports);
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
  return {
    lines,
    from: addresses('from'),
    to: addresses('to'),
    cc: addresses('cc'),
    read: readReply({ text: text?.text, html, headers: asRecord(lines) }, ours),
    ...reportOf(reports),
  };
}

/** What of a mail is attached and said by mail servers: the report itself, and our own mail or its header. */
const REPORTS = ['message/delivery-status', 'text/rfc822-headers', 'message/rfc822'];
const MAX_REPORT_BYTES = 64 * 1024;

function keep(attachment: Attachment, reports: Map<string, string>): void {
  const { contentType = '', content } = attachment;
  const isWanted = REPORTS.includes(contentType) && !reports.has(contentType);
  const parts: Buffer[] = [];
  let bytes = 0;
  content.on('data', (part: Buffer) => {
    if (isWanted && bytes < MAX_REPORT_BYTES) parts.push(part);
    bytes += part.length;
  });
  content.on('end', () => {
    if (isWanted)
      reports.set(contentType, Buffer.concat(parts).subarray(0, MAX_REPORT_BYTES).toString('utf8'));
    attachment.release();
  });
}

function reportOf(reports: ReadonlyMap<string, string>): Pick<ParsedMail, 'report' | 'returnedId'> {
  const report = readDeliveryReport(reports.get('message/delivery-status') ?? '');
  const header = (reports.get('text/rfc822-headers') ?? reports.get('message/rfc822') ?? '').split(
    /\r?\n\r?\n/u,
  )[0];
  const returnedId = returnedMessageId(header ?? '');
  return { ...(report && { report }), ...(report && returnedId !== undefined && { returnedId }) };
}

const depthOf = ({ children = [] }: Part): number => 1 + Math.max(0, ...children.map(depthOf));

const addressesOf = ({ value }: Pick<AddressObject, 'value'>): string[] =>
  value.flatMap(({ address = '', group }) => (group ? addressesOf({ value: group }) : inAscii(address)));

// The parser shows domains in letters of any script; they are compared as DNS has them.
function inAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return `${address.slice(0, at)}${domainToASCII(address.slice(at))}`.toLowerCase();
}

import { storable } from './storable.js';

/** Bytes of log that are kept of one run: the oldest, since they say what it was started with. */
export const MAX_LOG_BYTES = 5_000_000;
const MAX_CHUNK_CHARS = 64_000;
const NOTE = `\n[the log is longer than ${MAX_LOG_BYTES / 1_000_000} MB: the rest is not kept]\n`;

export interface LogState {
  readonly logSeq: number;
  readonly logBytes: number;
  readonly logTruncated: boolean;
}
export interface LogChunk {
  readonly seq: number;
  readonly text: string;
}

/** Cuts new output into chunks to store, and says where the log stands then. What goes over the bound is dropped with a note. */
export function appendLog(state: LogState, text: string): { state: LogState; chunks: readonly LogChunk[] } {
  if (text === '' || state.logTruncated) return { state, chunks: [] };
  let clean = storable(text);
  const room = MAX_LOG_BYTES - state.logBytes;
  const logTruncated = Buffer.byteLength(clean) > room;
  if (logTruncated)
    clean = `${Buffer.from(clean)
      .subarray(0, room)
      .toString('utf8')
      .replace(/\uFFFD$/, '')}${NOTE}`;
  const chunks: LogChunk[] = [];
  for (let from = 0; from < clean.length;) {
    let to = Math.min(clean.length, from + MAX_CHUNK_CHARS);
    if (to < clean.length && isHighSurrogate(clean.charCodeAt(to - 1))) to -= 1;
    chunks.push({ seq: state.logSeq + chunks.length, text: clean.slice(from, to) });
    from = to;
  }
  return {
    chunks,
    state: {
      logSeq: state.logSeq + chunks.length,
      logBytes: state.logBytes + Buffer.byteLength(clean),
      logTruncated,
    },
  };
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;

import { z } from 'zod';
import { checked } from './answers.js';

const logEvent = z.looseObject({ data: z.string() });

/** The lines in a stream of events, of those that came whole. The first is the service's own. */
export function linesIn(stream: string): string {
  const lines = stream
    .slice(0, stream.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => checked(logEvent, eventOf(line)).data)
    .filter((line) => !line.startsWith('===== Job started'));
  return lines.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join('');
}

function eventOf(line: string): unknown {
  try {
    return JSON.parse(line.slice('data: '.length));
  } catch {
    return undefined;
  }
}

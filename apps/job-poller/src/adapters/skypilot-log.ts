const COLOUR = new RegExp(`${String.fromCodePoint(27)}\\[[\\d;]*m`, 'g');
const PREFIX = /^\(([^()]*)\) ?/;
const isOfTask = (line: string): boolean => /\bpid=\d/.test(PREFIX.exec(line)?.[1] ?? '');

/** What the job itself wrote: its lines begin with the task and its process, all others are the server's and change from look to look. */
export function outputIn(log: string): string {
  return log
    .replaceAll(COLOUR, '')
    .split(/(?<=\n)/)
    .filter(isOfTask)
    .map((line) => line.replace(PREFIX, ''))
    .join('');
}

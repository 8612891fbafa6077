import { readdirSync, readFileSync } from 'node:fs';

const TICK_US = 10_000;

function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), us: (Number(fields[11]) + Number(fields[12])) * TICK_US };
}

/**
 * Microseconds of processor time that each of these processes has used so far. A server's children are counted with it;
 * our own are not, for they are the services.
 */
export function processorTime(pids) {
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      all.set(Number(name), stat(name));
    } catch {
      // It ended while we looked.
    }
  }
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => {
      let us = 0;
      for (const [id, one] of all)
        if (id === pid || (one.parent === pid && pid !== process.pid)) us += one.us;
      return [name, us];
    }),
  );
}

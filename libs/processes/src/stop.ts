import type { RunFolder } from './run-folder.js';

/** Asks the run's processes to stop, and after the grace time kills them. To be called until it is over. */
export async function stopRun(folder: RunFolder, graceMs: number): Promise<void> {
  const state = await folder.state();
  if (state.is !== 'running') return;
  const { first, sinceMs } = await folder.markStop();
  if (first) signalGroup(state.pid, 'SIGTERM');
  else if (Date.now() - sinceMs >= graceMs) signalGroup(state.pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It ended in this moment: the next look shows how.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

import { removeSecrets } from './placed-secrets.js';
import type { RunFolder } from './run-folder.js';

// A supervisor that has its folder says who it is within milliseconds; when it has not after this long, it died.
const STARTING_MS = 10_000;

/** What has become of a run. */
export interface ProcessLook {
  readonly state: 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost';
  readonly word: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly endedAt?: Date;
}

/** Looks at a run; undefined where nobody has taken its folder. Of one that is over the secrets' files go. */
export async function lookAt(folder: RunFolder): Promise<ProcessLook | undefined> {
  const state = await folder.state();
  if (state.is === 'exited' || state.is === 'gone') await removeSecrets(folder.path);
  switch (state.is) {
    case 'unknown':
      return undefined;
    case 'starting':
      if (Date.now() - state.sinceMs < STARTING_MS) return { state: 'starting', word: 'starting' };
      return { state: 'lost', word: 'lost', message: 'its supervisor died before it started the command' };
    case 'running':
      return { state: 'running', word: 'running' };
    case 'gone':
      if (state.afterStop)
        return { state: 'cancelled', word: 'killed', message: 'killed, since it did not stop by itself' };
      return {
        state: 'lost',
        word: 'lost',
        message:
          'its process is gone and left no exit code: killed from outside, or the machine was restarted',
      };
    case 'exited':
      return { ...exited(state.code, state.afterStop), exitCode: state.code, endedAt: state.at };
  }
}

function exited(code: number, afterStop: boolean): ProcessLook {
  if (afterStop) return { state: 'cancelled', word: 'stopped' };
  if (code === 0) return { state: 'succeeded', word: 'exited' };
  const how = code > 128 && code < 160 ? `ended by signal ${code - 128}` : `exit code ${code}`;
  return {
    state: 'failed',
    word: 'exited',
    message: code === 127 ? 'the command was not found (exit code 127)' : how,
  };
}

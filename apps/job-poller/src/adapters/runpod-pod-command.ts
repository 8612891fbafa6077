import { shellLine, withExitMark } from './container.js';

/** What a pod's image is given to start: RunPod takes one line and splits it as a shell would, so that it is kept free of the job's words. */
export const POD_ARGS = `sh -c 'eval "$LINECLEAR_START"'`;

// A pod that does not stop meanwhile cannot: its container ends then, and RunPod may start it again.
const STOP_SECONDS = 60;

/**
 * The shell's text in `LINECLEAR_START`: runs the command, says how it ended, and has the pod stop itself. RunPod would start
 * a container that ends again; every pod has `runpodctl`, and a key for itself.
 */
export const podStart = (command: readonly string[], runKey: string): string =>
  [
    shellLine(withExitMark(command, runKey)),
    'lineclear_code=$?',
    'runpodctl stop pod "$RUNPOD_POD_ID" >/dev/null 2>&1',
    `sleep ${STOP_SECONDS}`,
    'exit "$lineclear_code"',
  ].join('; ');

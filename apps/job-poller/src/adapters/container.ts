import { containerConfig } from '@lineclear/contracts';
import { ProviderFailure, type Submission } from './adapter.js';
import { configOf } from './job-config.js';

/** A job that is to run in a container. */
export interface Container {
  readonly image: string;
  readonly command: readonly string[] | undefined;
  /** Variables that anybody may see, and those that are secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly secretEnv: Readonly<Record<string, string>>;
}

/**
 * What to run, of a job's config: its own variables, what it is (`LINECLEAR_*`, its whole config among them), and its secrets.
 * @throws ProviderFailure `refused` for a config that is none, or without any image
 */
export function containerOf(submission: Submission, defaultImage: string | undefined): Container {
  const config = configOf(containerConfig, submission);
  const image = config.image ?? defaultImage;
  if (image === undefined)
    throw new ProviderFailure('refused', 'config.image is missing, and the provider has no image of its own');
  return {
    image,
    command: config.command,
    env: {
      ...config.env,
      ...identityOf(submission),
      LINECLEAR_CONFIG: JSON.stringify(submission.config),
    },
    secretEnv: secretEnvOf(submission),
  };
}

/** The variables that tell a run which one it is. */
export const identityOf = (submission: Submission): Record<string, string> => ({
  LINECLEAR_RUN_KEY: submission.runKey,
  LINECLEAR_JOB_ID: submission.jobId,
  LINECLEAR_ATTEMPT: String(submission.attempt),
  ...(submission.outputPath === null ? {} : { LINECLEAR_OUTPUT_PATH: submission.outputPath }),
  ...checkpointsOf(submission),
});

const checkpointsOf = ({ checkpointPath, attempt }: Submission): Record<string, string> => {
  if (checkpointPath === null) return {};
  return {
    LINECLEAR_CHECKPOINT_PATH: checkpointPath,
    ...(attempt > 1 ? { LINECLEAR_RESUME_FROM: checkpointPath } : {}),
  };
};

/** The variables that are secrets. */
export const secretEnvOf = ({ env }: Submission): Record<string, string> =>
  Object.fromEntries([...env].map(([variable, { value }]) => [variable, value.reveal()]));

/** A command as one line of shell that runs just that. */
export const shellLine = (command: readonly string[]): string =>
  command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

const MARK = 'lineclear-exit';

/** A command that also says in its output how the one given ended, for providers that tell only that a container stopped. */
export const withExitMark = (command: readonly string[], runKey: string): string[] => [
  'sh',
  '-c',
  `"$@"; code=$?; printf '\\n${MARK} %s %s\\n' ${runKey} "$code"; exit "$code"`,
  'lineclear',
  ...command,
];

/** The exit code that a marked command wrote into its output; undefined while there is none. */
export function exitCodeIn(output: string, runKey: string): number | undefined {
  const found = [...output.matchAll(new RegExp(`^${MARK} ${runKey} (\\d{1,3})\\s*$`, 'gm'))].at(-1);
  return found === undefined ? undefined : Number(found[1]);
}

/** Whether a line of an output is such a mark, which is nobody's output. */
export const isExitMark = (line: string): boolean => MARK_LINE.test(line);
const MARK_LINE = new RegExp(`^${MARK} \\S+ \\d{1,3}\\s*$`);

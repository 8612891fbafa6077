import { containerConfig } from '@lineclear/contracts';
import { ProviderFailure, type Submission } from './adapter.js';
import { identityOf, secretEnvOf, shellLine, withExitMark } from './container.js';
import { configOf } from './job-config.js';

const MAX_USER_DATA_BYTES = 1_000_000;
// In memory, and gone with it: what has secrets in it is not left on a disk.
const FOLDER = '/run/lineclear';
const LOG = '/var/log/lineclear.log';
const HAS_GPU = /^gpu_/;

/**
 * What an instance does by itself once it is up: writes its variables to a file for root alone, and runs the job's command, in a
 * container where there is an image. In words of cloud-init, which reads YAML, and so JSON.
 */
export function userDataOf(submission: Submission, defaultImage: string | undefined): string {
  const config = configOf(containerConfig, submission);
  const env = {
    ...config.env,
    ...identityOf(submission),
    LINECLEAR_CONFIG: JSON.stringify(submission.config),
    ...secretEnvOf(submission),
  };
  const command = commandOf(submission, config.image ?? defaultImage, config.command, Object.keys(env));
  const userData = `#cloud-config\n${JSON.stringify({
    write_files: [
      file(
        'env',
        Object.entries(env).map(([name, value]) => `export ${name}=${shellLine([value])}`),
      ),
      file('run', [
        `exec >>${LOG} 2>&1`,
        `. ${FOLDER}/env`,
        shellLine(withExitMark(command, submission.runKey)),
      ]),
    ],
    runcmd: [['sh', `${FOLDER}/run`]],
  })}\n`;
  const bytes = Buffer.byteLength(userData);
  if (bytes > MAX_USER_DATA_BYTES)
    throw new ProviderFailure('refused', `config: ${bytes} bytes with what is added, of 1 MB at most`);
  return userData;
}

function commandOf(
  { hardware }: Submission,
  image: string | undefined,
  command: readonly string[] | undefined,
  variables: readonly string[],
): readonly string[] {
  if (image === undefined) {
    if (command === undefined)
      throw new ProviderFailure('refused', 'config.command is missing, and there is no image');
    return command;
  }
  // By their names only: values of variables are not for command lines.
  const env = variables.flatMap((name) => ['--env', name]);
  const gpus = HAS_GPU.test(hardware) ? ['--gpus', 'all'] : [];
  return ['docker', 'run', '--rm', ...gpus, ...env, image, ...(command ?? [])];
}

const file = (name: string, lines: readonly string[]): Record<string, string> => ({
  path: `${FOLDER}/${name}`,
  permissions: '0600',
  encoding: 'b64',
  content: Buffer.from(`${lines.join('\n')}\n`).toString('base64'),
});

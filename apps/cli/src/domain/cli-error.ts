/** How the command ends, for scripts. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notLoggedIn: 3, refused: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with one line on stderr. The message names what is wrong, never a value. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.failed,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export const wrongUsage = (message: string): CliError => new CliError(message, EXIT.usage);

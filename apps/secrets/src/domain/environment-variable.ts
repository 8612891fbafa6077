/** The variable under which the environment has a secret: `hf-token` is HF_TOKEN, with prefix ACME it is ACME_HF_TOKEN. */
export function environmentVariable(name: string, prefix?: string): string {
  const variable = name.toUpperCase().replaceAll(/[-.]/g, '_');
  return prefix === undefined ? variable : `${prefix}_${variable}`;
}

// What a process is configured with. Any researcher may name a secret in a job, so none of this is ever one.
const OWN = [
  // This and the other services: on one machine they are all started from the same environment.
  /^(DATABASE|REDIS|NATS|POSTGRES|SMTP|IMAP|OIDC|LDAP|OTEL|METRICS)(_|$)/,
  /^(PG[A-Z]*|REDISCLI_AUTH)$/,
  // Whoever has the token has what is in Vault.
  /^VAULT(_|$)/,
  /^LINECLEAR(_(?!SECRET_)|$)/,
  /^(AUTH|SECRETS|APPROVALS|QUEUE_SCHEDULER|NOTIFIER|JOB_POLLER|GATEWAY|PUBLIC)_URL$/,
  // The system, the shell, the container, and what starts and finds programs.
  /^(PATH|HOME|HOST|HOSTNAME|PORT|USER|USERNAME|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|TERM|COLORTERM|TZ|LANG|LANGUAGE|EDITOR|PAGER|DISPLAY|CI|_)$/,
  /^(TMP|TEMP|TMPDIR|IFS|MAIL|MANPATH|INIT_CWD|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|CREDENTIALS_DIRECTORY|WATCHDOG_(PID|USEC))$/,
  /^(NODE|NPM_CONFIG|NPM_PACKAGE|NPM_LIFECYCLE|NX|NVM|VITEST|UV|LC|LD|DYLD|XDG|GPG|DBUS|SUDO|SYSTEMD|KUBERNETES|TERM|BASH|MALLOC|GLIBC)_/,
  /^SSH_(AUTH_SOCK|AGENT_PID|CLIENT|CONNECTION|TTY|ASKPASS)$/,
  /^DOCKER_(HOST|CONFIG|CONTEXT|CERT_PATH|TLS_VERIFY)$/,
  // The address of a proxy may hold its password.
  /(^|_)PROXY$/,
  /^SSL_CERT_(FILE|DIR)$/,
];

/** Whether a variable configures the house or the machine it runs on: then it is nobody's secret to ask for. */
export const isOwnSetting = (variable: string): boolean => OWN.some((pattern) => pattern.test(variable));

/** With what this service shows who it is to AWS, and where it finds that. */
const OWN_OF_AWS = /^AWS_/;

/** Which variables are settings: those of the house always, those of AWS while this service itself uses AWS. Without that they may be meant for jobs. */
export const ownSettings =
  ({ usesAws }: { readonly usesAws: boolean }) =>
  (variable: string): boolean =>
    isOwnSetting(variable) || (usesAws && OWN_OF_AWS.test(variable));

import type { Command } from './command.js';
import { credentials } from './commands/credentials.js';
import { jobsCancel } from './commands/jobs-cancel.js';
import { jobsList } from './commands/jobs-list.js';
import { jobsLogs } from './commands/jobs-logs.js';
import { jobsShow } from './commands/jobs-show.js';
import { jobsSubmit } from './commands/jobs-submit.js';
import { login } from './commands/login.js';
import { logout } from './commands/logout.js';
import { place } from './commands/place.js';
import { run } from './commands/run.js';
import { secretsExplain } from './commands/secrets-explain.js';
import { secretsExport } from './commands/secrets-export.js';
import { secretsGet } from './commands/secrets-get.js';
import { secretsHistory } from './commands/secrets-history.js';
import { secretsImport } from './commands/secrets-import.js';
import { secretsLink } from './commands/secrets-link.js';
import { secretsList } from './commands/secrets-list.js';
import { secretsRm } from './commands/secrets-rm.js';
import { secretsRollback } from './commands/secrets-rollback.js';
import { secretsRename } from './commands/secrets-rename.js';
import { secretsShare } from './commands/secrets-share.js';
import { secretsShared } from './commands/secrets-shared.js';
import { secretsSet } from './commands/secrets-set.js';
import { secretsUndelete } from './commands/secrets-undelete.js';
import { secretsVersions } from './commands/secrets-versions.js';
import { worker } from './commands/worker.js';

/** Every command, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  login,
  logout,
  credentials,
  place,
  run,
  secretsList,
  secretsGet,
  secretsSet,
  secretsRm,
  secretsUndelete,
  secretsVersions,
  secretsRollback,
  secretsHistory,
  secretsExplain,
  secretsRename,
  secretsShare,
  secretsShared,
  secretsLink,
  secretsImport,
  secretsExport,
  jobsSubmit,
  jobsList,
  jobsShow,
  jobsLogs,
  jobsCancel,
  worker,
];

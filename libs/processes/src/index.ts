export { forestall } from './forestall.js';
export { lookAt, type ProcessLook } from './look.js';
export type { GivenFile, GivenSecret } from './placed-secrets.js';
export { bytesOf, RunFolder } from './run-folder.js';
export { CannotRun, startRun, type RunOrder, type Surroundings } from './start.js';
export { stopRun } from './stop.js';

import { runLauncher } from './launcher.js';

await runLauncher();

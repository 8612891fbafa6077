import { runService } from '@lineclear/kit';
import { define } from './app.module.js';

await runService(() => define(process.env));

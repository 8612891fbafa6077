#!/usr/bin/env node
import { runCli } from './cli.js';
import { terminalAt } from './terminal.js';

const { stdin, stdout, stderr } = process;
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

// Who reads our output may stop: `lineclear secrets list | head`.
for (const stream of [stdout, stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  stdin,
  stdout,
  stderr,
  terminal: stdin.isTTY && stderr.isTTY ? terminalAt(stdin, stderr) : undefined,
  now: () => new Date(),
  inputOfPrograms: 'inherit',
  onSignal: (handler) => {
    for (const signal of PASSED_ON) process.on(signal, handler);
    return () => {
      for (const signal of PASSED_ON) process.off(signal, handler);
    };
  },
});

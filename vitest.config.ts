import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Nest needs decorator metadata; libs are run from their sources.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  ssr: { resolve: { conditions: ['@lineclear/source'] } },
  test: {
    include: [
      'apps/*/src/**/*.spec.ts',
      'libs/*/src/**/*.spec.ts',
      'apps/*/test/**/*.spec.ts',
      'tests/**/*.spec.ts',
      'examples/**/*.spec.ts',
    ],
    globalSetup: ['libs/testkit/src/global-setup.ts'],
    setupFiles: ['libs/testkit/src/patience.ts'],
    maxWorkers: 3,
    // A worker loads what is tested once, not once for each file: two thirds of what loading cost.
    isolate: false,
    // Printed by the worker itself: what comes as a worker ends would be an error of the run.
    disableConsoleIntercept: true,
    // For what hangs: on a busy machine a test takes ten times as long as alone.
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});

// Runs a service under the V8 profiler: `BENCH_PROFILE=queue-scheduler npm run bench` leaves queue-scheduler.cpuprofile here.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const { PROFILED_MAIN, PROFILED_OUT } = process.env;
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: 500 });
session.post('Profiler.start');
process.on('exit', () =>
  session.post('Profiler.stop', (_, { profile }) => writeFileSync(PROFILED_OUT, JSON.stringify(profile))),
);
await import(PROFILED_MAIN);

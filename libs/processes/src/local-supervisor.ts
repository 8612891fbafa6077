/**
 * Runs as `sh -c SUPERVISOR lineclear-run <node> <command...>` in the run's folder, as the leader of a process group, and
 * outlives whoever started it. The folder `claim` is made by whoever comes first, so that a run's command is started once
 * however often its supervisor is. `pid` is there before the command starts, `exit` when it has ended.
 *
 * A shell and not Node: it waits for hours in a megabyte. The trap keeps it alive when its group is told to stop; the
 * command itself gets the default action back. The job's own `PATH` and `NODE_OPTIONS` are for its command alone. What that leaves
 * behind may hold its output open for ever, so that the file `ended` tells the cleaner of its end.
 */
export const SUPERVISOR = `
node="$1"; shift
path="$PATH"; PATH="$LINECLEAR_PATH"
mkdir claim 2>/dev/null || exit 0
trap : TERM INT HUP
start=$(cut -d' ' -f22 "/proc/$$/stat" 2>/dev/null) || start=$(ps -o lstart= -p $$ | sed 's/^ *//; s/ *$//')
printf '%s\\n%s\\n' "$$" "$start" > pid.tmp && mv pid.tmp pid
redact="$LINECLEAR_REDACT"; script="$LINECLEAR_REDACT_SCRIPT"; work="$LINECLEAR_WORK"
unset LINECLEAR_REDACT LINECLEAR_REDACT_SCRIPT LINECLEAR_WORK LINECLEAR_PATH
if [ -n "$redact" ]; then
  mkfifo -m 600 out.fifo
  NODE_OPTIONS= LINECLEAR_REDACT="$redact" "$node" -e "$script" < out.fifo >> log 2>&1 &
  cleaner=$!
  (cd "$work" && PATH="$path" && exec "$@") > out.fifo 2>&1 < /dev/null
  code=$?
  : > ended
  wait "$cleaner"
  rm -f out.fifo
else
  (cd "$work" && PATH="$path" && exec "$@") >> log 2>&1 < /dev/null
  code=$?
fi
printf '%s\\n' "$code" > exit.tmp && mv exit.tmp exit
`;

/**
 * Copies its input to its output with the parts of the listed variables and files replaced, so that a secret that a job prints never
 * reaches the disk; the file `hidden` gets the names of those that were. Whole lines go at once; what has no line end yet waits for it, but not for ever.
 */
export const REDACT_SCRIPT = `
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
const fs = require('node:fs');
const valueOf = ({ variable, path }) => (path ? fs.readFileSync(path, 'utf8') : process.env[variable] ?? '');
const names = new Map(JSON.parse(process.env.LINECLEAR_REDACT).flatMap((one) => {
  const value = valueOf(one);
  return one.parts.map(([from, to]) => [Buffer.from(value.slice(from, to)).toString('latin1'), one.name]);
}));
const needles = [...names.keys()].sort((a, b) => b.length - a.length);
const told = new Set();
const tell = (name) => {
  if (told.has(name)) return;
  told.add(name);
  try { fs.appendFileSync('hidden', name + '\\n', { mode: 0o600 }); } catch {}
};
const clean = (text) => needles.reduce((left, needle) => {
  if (!left.includes(needle)) return left;
  tell(names.get(needle));
  return left.replaceAll(needle, '[secret]');
}, text);
let held = '';
process.stdin.on('data', (bytes) => {
  held += bytes.toString('latin1');
  let end = Math.max(held.lastIndexOf('\\n'), held.lastIndexOf('\\r')) + 1;
  if (end === 0 && held.length > 65536) { held = clean(held); end = Math.max(0, held.length - (needles[0]?.length ?? 0)); }
  if (end > 0) { process.stdout.write(Buffer.from(clean(held.slice(0, end)), 'latin1')); held = held.slice(end); }
});
const end = () => { process.stdout.write(Buffer.from(clean(held), 'latin1')); held = ''; };
process.stdin.on('end', end);
let isOver = false;
setInterval(() => {
  // What the command itself wrote was in the pipe by the turn before, and was read since.
  if (isOver) { end(); process.exit(); }
  isOver = fs.existsSync('ended');
}, 250).unref();
`;

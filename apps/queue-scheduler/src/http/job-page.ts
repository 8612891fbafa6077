import { HtmlPage } from '@lineclear/kit';

// The page knows nothing of the job: it asks for it as whoever is logged in here, by their session's cookie.
const SCRIPT = `
const id = location.pathname.split('/').at(-1);
const [form, facts, steps, said, session] = ['form', 'dl', 'ol', 'output', '#session'].map((name) => document.querySelector(name));
const field = (name) => form.elements.namedItem(name);
const say = (text) => { said.textContent = text; };
const element = (tag, text) => {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
};
class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}
const call = async (path, init = {}) => {
  const answer = await fetch('../api/' + path, { credentials: 'same-origin', ...init });
  const told = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Refused(answer.status, told.detail);
  return told;
};
const post = (path, body, more = {}) =>
  call(path, { method: 'POST', headers: { 'content-type': 'application/json', ...more }, body: JSON.stringify(body) });
const money = (usd) => '$' + usd.toFixed(2);
const factsOf = (job) => [
  ['State', job.status.replaceAll('_', ' ')],
  ['Waits for', job.waits_for],
  ['Why', job.waits_for === null ? (job.message ?? job.reason) : null],
  ['Config', job.config_name],
  ['Of', job.username],
  ['Hardware', job.hardware + ' (' + job.provider + ')'],
  ['Estimated cost', money(job.estimated_cost_usd)],
  ['Cost', job.cost_usd === null ? null : money(job.cost_usd)],
  ['Progress', job.progress === null ? null : (job.progress.stage ?? job.progress.remote_state) +
    (job.progress.progress === undefined ? '' : ', ' + Math.round(job.progress.progress * 100) + ' %')],
  ['Job', job.job_id],
];
const show = (job, timeline) => {
  facts.replaceChildren(...factsOf(job)
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => [element('dt', name), element('dd', value)]));
  steps.replaceChildren(...timeline.map(({ status, at, after_seconds }) =>
    element('li', status.replaceAll('_', ' ') + ': ' + at + (after_seconds > 0 ? ', after ' + Math.round(after_seconds) + ' s' : ''))));
};
const clear = (text) => {
  facts.replaceChildren();
  steps.replaceChildren();
  say(text);
};
const look = async () => {
  try {
    const [job, { steps: timeline }] = await Promise.all(['', '/timeline'].map((more) => call('cloud/jobs/' + id + more)));
    show(job, timeline);
    say('');
    [form.hidden, session.hidden] = [true, false];
  } catch (error) {
    const isNobody = error.status === 401;
    [form.hidden, session.hidden] = [!isNobody, isNobody || error.status === undefined];
    if (isNobody) return clear('Log in to look at it.');
    clear(error.status === 404 ? 'There is no such job, or it is not yours to see.' : error.message || 'Lineclear does not answer. Try again.');
  }
};
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = field('login');
  button.disabled = true;
  try {
    const me = await post('auth/login', {
      username: field('username').value,
      password: field('password').value,
      totp_code: field('totp_code').value || undefined,
    });
    if (!me.csrf_token) throw new Error('A second factor is needed: its code, too.');
    for (const name of ['password', 'totp_code']) field(name).value = '';
    await look();
  } catch (error) {
    say(error.message || 'Lineclear does not answer. Try again.');
  }
  button.disabled = false;
});
session.addEventListener('click', async () => {
  try {
    const { csrf_token } = await call('auth/me');
    await post('auth/logout', {}, { 'x-csrf-token': csrf_token });
  } catch (error) {
    if (error.status !== 401) return say(error.message || 'Lineclear does not answer. Try again.');
  }
  await look();
});
look();
`;

const BODY = `<h1>A job</h1>
<dl></dl>
<ol></ol>
<form hidden>
<label>Name or address <input name="username" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<label>Code of a second factor, if you have one <input name="totp_code" inputmode="numeric" autocomplete="one-time-code"></label>
<button name="login">Log in</button>
</form>
<output></output>
<button id="session" hidden>Log out</button>`;

/** How a job stands, for people. */
export const JOB_PAGE = new HtmlPage({ title: 'A job', body: BODY, script: SCRIPT });

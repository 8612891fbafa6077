import { HtmlPage } from '@lineclear/kit';

// The token is behind the # of the address; it is taken out of the address bar, and so out of the history, at once.
// Looking at the page decides nothing: mail scanners and chat previews look, too, some of them with a whole browser.
const SCRIPT = `
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const form = document.querySelector('form');
const login = document.querySelector('fieldset');
const said = document.querySelector('output');
const facts = document.querySelector('dl');
const field = (name) => form.elements.namedItem(name);
const say = (text) => { said.textContent = text; };
let asked;
const post = async (path, body, more = {}) => {
  const answer = await fetch(path, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', ...more },
    body: JSON.stringify(body),
  });
  const told = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
};
const look = async () => {
  asked = await post('links/show', { token });
  facts.replaceChildren(...asked.facts.flatMap(({ name, value }) => {
    const [term, text] = ['dt', 'dd'].map((tag) => document.createElement(tag));
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
  login.hidden = !asked.needs_login;
  login.disabled = !asked.needs_login;
  form.hidden = false;
};
const decide = async (word, comment) => {
  const said = word === 'approve' ? { notes: comment || undefined } : { reason: comment };
  if (!asked.needs_login) return post('links/decide', { token, nonce: asked.nonce, decision: word, comment });
  const me = await post('../auth/login', {
    username: field('username').value,
    password: field('password').value,
    totp_code: field('totp_code').value || undefined,
  });
  if (!me.csrf_token) throw new Error('A second factor is needed: its code, too.');
  const proof = { 'x-csrf-token': me.csrf_token };
  try {
    return await post('requests/' + asked.request_id + '/' + word, said, proof);
  } finally {
    await post('../auth/logout', {}, proof).catch(() => {});
  }
};
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const word = event.submitter.value;
  const comment = field('comment').value.trim();
  if (word === 'reject' && comment === '') return say('Say why, in the comment.');
  const buttons = [...form.querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
  try {
    const { status } = await decide(word, comment);
    form.hidden = true;
    say(status === 'pending' ? 'Your word counts. More people are needed until it is decided.' : 'The request is ' + status + '.');
  } catch (error) {
    say(error.message || 'Lineclear does not answer. Try again.');
    for (const button of buttons) button.disabled = false;
  }
});
if (token === '') say('This link is not whole: open it once more from the mail.');
else look().catch((error) => say(error.message || 'Lineclear does not answer. Try again.'));
`;

const BODY = `<h1>An approval is asked of you</h1>
<dl></dl>
<form hidden>
<label>Comment <input name="comment" maxlength="2000"></label>
<fieldset hidden disabled>
<legend>A job of this cost takes a login</legend>
<label>Name or address <input name="username" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<label>Code of a second factor, if you have one <input name="totp_code" inputmode="numeric" autocomplete="one-time-code"></label>
</fieldset>
<button value="approve">Approve</button>
<button value="reject">Reject</button>
</form>
<output></output>`;

/** What is asked, and two buttons. */
export const LINK_PAGE = new HtmlPage({ title: 'An approval is asked of you', body: BODY, script: SCRIPT });

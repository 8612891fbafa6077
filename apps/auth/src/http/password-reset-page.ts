import { HtmlPage } from '@lineclear/kit';

// The token is behind the # of the address; it is taken out of the address bar, and so out of the history, at once.
const SCRIPT = `
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const form = document.querySelector('form');
const said = document.querySelector('output');
const say = (text) => { said.textContent = text; };
if (token === '') say('This link is not whole: open it once more from the mail.');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const [password, again] = ['password', 'again'].map((name) => form.elements.namedItem(name).value);
  if (password !== again) return say('The two passwords are not the same.');
  const button = form.elements.namedItem('send');
  button.disabled = true;
  try {
    const answer = await fetch('password-reset/complete', {
      method: 'POST',
      credentials: 'omit',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, new_password: password }),
    });
    if (answer.ok) {
      form.hidden = true;
      return say('Your password is changed. All sessions have ended: log in with the new one.');
    }
    const { detail, errors = [] } = await answer.json();
    const names = { token: 'This link', new_password: 'The password' };
    say(errors.map(({ path, message }) => (names[path] ?? path) + ' ' + message + '.').join(' ') || detail);
  } catch {
    say('Lineclear does not answer. Try again.');
  }
  button.disabled = false;
});
`;

const BODY = `<h1>A new password</h1>
<form>
<p>At least 12 characters. A phrase of several words is best; spaces are welcome.</p>
<label>New password <input name="password" type="password" autocomplete="new-password" minlength="12" maxlength="256" required autofocus></label>
<label>The same again <input name="again" type="password" autocomplete="new-password" required></label>
<button name="send">Set it</button>
</form>
<output></output>`;

/** Two fields and what sends them. */
export const PASSWORD_RESET_PAGE = new HtmlPage({ title: 'A new password', body: BODY, script: SCRIPT });

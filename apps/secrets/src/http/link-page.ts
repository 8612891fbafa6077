import { HtmlPage } from '@lineclear/kit';

// The token is behind the # of the address; it is taken out of the address bar, and so out of the history, at once.
// Looking at the page opens nothing: mail scanners and chat previews look, too.
const SCRIPT = `
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const button = document.querySelector('button');
const said = document.querySelector('output');
const shown = document.querySelector('pre');
if (token === '') { said.textContent = 'This link is not whole.'; button.disabled = true; }
button.addEventListener('click', async () => {
  button.disabled = true;
  try {
    const answer = await fetch('links/open', {
      method: 'POST',
      credentials: 'omit',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    const { name, value, detail } = await answer.json();
    if (!answer.ok) { said.textContent = detail; return; }
    said.textContent = name + ': copy it now, it is not shown again.';
    shown.textContent = value;
    shown.hidden = false;
    button.hidden = true;
  } catch {
    said.textContent = 'Lineclear does not answer. Try again.';
    button.disabled = false;
  }
});
`;

const BODY = `<h1>A secret for you</h1>
<p>It can be shown once. Look at it when you are ready to copy it.</p>
<button>Show it</button>
<output></output>
<pre hidden></pre>`;

/** A button, and what it shows. */
export const LINK_PAGE = new HtmlPage({ title: 'A secret for you', body: BODY, script: SCRIPT });

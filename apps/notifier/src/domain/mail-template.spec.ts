import { describe, expect, it } from 'vitest';
import { htmlText } from '../replies/html-text.js';
import { BARS, DARK } from './mail-palette.js';
import { mailHtml, type MailPage } from './mail-template.js';
import { SEVERITIES } from './severity.js';

const URL = 'https://lc.example/jobs?a=1&b=2';
const page: MailPage = {
  title: 'A job waits',
  preheader: 'What the list of mails shows',
  severity: 'warning',
  above: 'Above all else',
  parts: [
    { kind: 'figures', rows: [['Estimated cost', '$72.00']] },
    { kind: 'paragraph', text: 'It does not run before somebody decides.' },
    { kind: 'button', label: 'Look at it', url: URL },
    { kind: 'rows', rows: [['Config', 'flux-lora']] },
    {
      kind: 'items',
      items: [
        { severity: 'error', title: 'Your job failed', url: URL, lines: ['out of memory', 'at noon'] },
        { severity: 'info', title: 'Your job is done', lines: [] },
      ],
    },
    { kind: 'note', text: 'Do not forward this mail.' },
  ],
};
const html = mailHtml(page);
const seen = (mail: string): string[] => {
  const read = htmlText(mail);
  if ('refused' in read) throw new Error(read.refused);
  return read.text.split('\n').filter((line) => line.trim() !== '');
};

describe('the template of mails', () => {
  it('says everything, in the order in which it was given', () => {
    expect(seen(html)).toEqual([
      'Above all else',
      'Warning',
      'A job waits',
      'Estimated cost',
      '$72.00',
      'It does not run before somebody decides.',
      'Look at it',
      URL,
      'Config',
      'flux-lora',
      'Error: Your job failed',
      'out of memory',
      'at noon',
      'Information: Your job is done',
      'Do not forward this mail.',
      'Sent by Lineclear',
    ]);
  });

  it('begins with what a list of mails shows, which the open mail does not', () => {
    expect(html).toMatch(/<body>\s*<div style="display:none[^"]*">What the list of mails shows<\/div>/);
    expect(seen(html)).not.toContain(page.preheader);
  });

  it.each(SEVERITIES)('says %s in words and in a colour', (severity) => {
    const mail = mailHtml({ ...page, severity });
    expect(mail).toMatch(new RegExp(`background-color:${BARS[severity]};[^>]*>${severity.slice(0, 4)}`, 'i'));
    const other = mailHtml({ ...page, severity, bar: 'Waits for you' });
    expect(other).toMatch(new RegExp(`background-color:${BARS[severity]};[^>]*>Waits for you<`));
  });

  it('is HTML that mail programs and readers of screens understand', () => {
    expect(html).toMatch(/^<!doctype html><html lang="en"/);
    expect(html).toContain('<title>A job waits</title>');
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    expect(html).toContain('max-width:600px');
    const tables = html.match(/<table[^>]*>/g) ?? [];
    // The one with labels and values is a table for readers too.
    expect(tables.filter((table) => !table.includes('role="presentation"'))).toHaveLength(1);
    expect(html).toMatch(/<th scope="row"[^>]*>Config</);
    for (const tag of ['table', 'tr', 'td', 'th', 'span', 'a', 'h1', 'div'])
      expect(html.match(new RegExp(`<${tag}[ >]`, 'g'))?.length, tag).toBe(
        html.split(`</${tag}>`).length - 1,
      );
  });

  it('loads nothing and runs nothing', () => {
    expect(html).not.toMatch(
      /<(?:img|script|link|iframe|object|form|input|svg|base)|\ssrc=|\son\w+=|url\(|@import/i,
    );
    expect(html.match(/(?:href|http-equiv)="[^"]*"/g)).toEqual(
      Array.from({ length: 2 }, () => 'href="https://lc.example/jobs?a=1&#38;b=2"'),
    );
  });

  it('has one style sheet, in which each colour of the dark wins', () => {
    const sheets = html.match(/<style>[^<]*<\/style>/g) ?? [];
    expect(sheets).toHaveLength(1);
    const dark = sheets[0]!.slice(sheets[0]!.indexOf('@media (prefers-color-scheme:dark)'));
    for (const [use, colour] of Object.entries(DARK)) expect(dark, use).toContain(`${colour}!important`);
    // Whatever it changes is there to be changed.
    for (const [, name] of sheets[0]!.matchAll(/\.(lc-[a-z-]+)/g))
      expect(html, name).toMatch(new RegExp(`class="[^"]*\\b${name}\\b`));
  });

  it('takes everything that is given for text', () => {
    const bad = `<b onclick="x">&amp;'`;
    const mail = mailHtml({
      title: bad,
      preheader: bad,
      severity: 'info',
      bar: bad,
      above: bad,
      parts: [
        { kind: 'figures', rows: [[bad, bad]] },
        { kind: 'rows', rows: [[bad, bad]] },
        { kind: 'paragraph', text: bad },
        { kind: 'note', text: bad },
        { kind: 'button', label: bad, url: bad },
        { kind: 'items', items: [{ severity: 'info', title: bad, url: bad, lines: [bad] }] },
      ],
    });
    expect(mail).not.toMatch(/<b |"x"|&amp;/);
    expect(mail.split('&#60;b onclick=&#34;x&#34;&#62;&#38;amp;&#39;')).toHaveLength(18);
  });
});

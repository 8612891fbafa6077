import { describe, expect, it } from 'vitest';
import { netrcFile } from './netrc.js';

const wandb = netrcFile({ words: { api_key: 'password' }, login: 'user' });
const any = netrcFile({ words: { login: 'login', password: 'password' } });

const NETRC = `# machines
machine github.com login alice password gh_x
machine api.wandb.ai
  login user
  password 0123456789abcdef
macdef init
  machine macro.example.com login nobody password nothing

machine quoted.example.com user "bob b" password "p\\"w # x"
default login anonymous password me@example.com
`;

describe('a netrc', () => {
  it.each([
    ['github.com', { login: 'alice', password: 'gh_x' }],
    ['api.wandb.ai', { login: 'user', password: '0123456789abcdef' }],
    ['quoted.example.com', { login: 'bob b', password: 'p"w # x' }],
    ['macro.example.com', undefined],
    ['default', undefined],
  ])('has of %s %j', (machine, values) => {
    expect(any.read(NETRC, machine)).toEqual(values);
  });

  it('gets a new machine at its top, as `default` must be last', () => {
    expect(wandb.write(NETRC, { api_key: 'k' }, 'wandb.example.com')).toBe(
      `machine wandb.example.com\n  login user\n  password k\n${NETRC}`,
    );
  });

  it('keeps other machines, macros and comments when a password changes', () => {
    expect(wandb.write(NETRC, { api_key: 'new' }, 'api.wandb.ai')).toBe(
      NETRC.replace('0123456789abcdef', 'new'),
    );
  });

  it('keeps a machine that has no password yet, and its comment', () => {
    const text = 'machine api.wandb.ai login me # mine\n';
    const written = wandb.write(text, { api_key: 'k' }, 'api.wandb.ai');
    expect(written).toBe('machine api.wandb.ai login me password k # mine\n');
    expect(wandb.remove(written, 'api.wandb.ai', text)).toBe(text);
  });

  it.each(['with space', 'quo"te', 'back\\slash', '#hash', "apo'strophe"])('quotes %j', (password) => {
    const text = any.write('', { login: 'a', password }, 'x.example.com');
    expect(text).toContain('"');
    expect(any.read(text, 'x.example.com')).toEqual({ login: 'a', password });
  });

  it('takes a machine out that someone moved onto one line with another', () => {
    const text = 'machine a.example.com login a password b machine b.example.com login c password d\n';
    expect(any.remove(text, 'a.example.com', undefined)).toBe(' machine b.example.com login c password d\n');
  });
});

import { describe, expect, it } from 'vitest';
import { UnusableText } from './errors.js';
import { yamlHosts } from './yaml-file.js';

const gh = yamlHosts({ keys: { oauth_token: 'oauth_token' } });

const HOSTS = `# written by gh
github.com:
    user: octocat
    oauth_token: gho_old # do not share
    git_protocol: ssh
    users:
        octocat:
            oauth_token: gho_old

ghe.example.com:
    user: cat
`;

describe("gh's hosts.yml", () => {
  it.each([
    ['github.com', 'gho_old'],
    ['ghe.example.com', undefined],
    ['absent.example.com', undefined],
  ])('has of %s the token %s', (host, token) => {
    expect(gh.read(HOSTS, host)?.['oauth_token']).toBe(token);
  });

  it('keeps other hosts, keys and comments when a token changes', () => {
    expect(gh.write(HOSTS, { oauth_token: 'gho_new' }, 'github.com')).toBe(
      HOSTS.replace('oauth_token: gho_old #', 'oauth_token: gho_new #'),
    );
  });

  it('gets a token into a host that has none', () => {
    expect(gh.write(HOSTS, { oauth_token: 'gho_ghe' }, 'ghe.example.com')).toBe(
      HOSTS.replace('    user: cat', '    oauth_token: gho_ghe\n    user: cat'),
    );
  });

  it('gets a new host', () => {
    expect(gh.write(undefined, { oauth_token: 'gho_x' }, 'github.com')).toBe(
      'github.com:\n    oauth_token: gho_x\n',
    );
  });

  it.each(['true', '123', 'no', '0x1f', 'a: b', '- x', '#x', '~'])(
    'writes %j so that it stays a word',
    (token) => {
      const text = gh.write('', { oauth_token: token }, 'github.com');
      expect(text).toContain(`"${token}"`);
      expect(gh.read(text, 'github.com')).toEqual({ oauth_token: token });
    },
  );

  it.each([
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['an ended document', 'github.com:\n  user: x\n...\n'],
    ['a list', '- github.com\n'],
    ['a word', 'github.com\n'],
    ['broken text', 'github.com: {\n'],
    ['the same host twice', 'github.com:\n  user: x\ngithub.com:\n  user: y\n'],
    ['a host that is a list', 'github.com: [x]\n'],
    ['a host that is named elsewhere', 'github.com: &it\n  user: x\n'],
    ['a token that is a map', 'github.com:\n  oauth_token: {secret: gho_hidden}\n'],
    ['a token over several lines', 'github.com:\n  oauth_token: |\n    gho_hidden\n'],
    ['a host behind a question mark', '? github.com\n: user: x\n'],
  ])('with %s is not edited, and the refusal does not quote it', (_, text) => {
    expect(() => gh.write(text, { oauth_token: 'gho_new' }, 'github.com')).toThrow(UnusableText);
    expect(() => gh.write(text, { oauth_token: 'gho_new' }, 'github.com')).not.toThrow(/hidden|new|user/);
  });
});

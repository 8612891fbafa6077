import { describe, expect, it } from 'vitest';
import { iniFile, tableWith, tomlFile } from './ini.js';

const aws = iniFile({
  sections: (profile) => [profile],
  keys: {
    access_key: 'aws_access_key_id',
    secret_key: 'aws_secret_access_key',
    session_token: 'aws_session_token',
  },
});
const config = iniFile({
  sections: (profile) => (profile === 'default' ? ['default', 'profile default'] : [`profile ${profile}`]),
  keys: { region: 'region' },
});
const lambda = iniFile({ sections: () => [undefined], keys: { api_key: 'api_key' } });
const modal = tomlFile({
  sections: (profile) => [profile],
  keys: { token_id: 'token_id', token_secret: 'token_secret' },
});

const CREDENTIALS = `# made by hand
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key=abc/def+ghi=

[prod]  ; careful
AWS_ACCESS_KEY_ID: AKIAPROD
aws_secret_access_key : prod secret # not a comment
aws_session_token = FwoG//=

[sso]
role_arn = arn:aws:iam::1:role/x
`;

describe('an AWS credentials file', () => {
  it.each([
    ['default', { access_key: 'AKIADEFAULT', secret_key: 'abc/def+ghi=' }],
    ['prod', { access_key: 'AKIAPROD', secret_key: 'prod secret # not a comment', session_token: 'FwoG//=' }],
    ['sso', undefined],
    ['absent', undefined],
  ])('has of profile %s %j', (profile, values) => {
    expect(aws.read(CREDENTIALS, profile)).toEqual(values);
  });

  it('keeps the other profiles, comments and blank lines when one is written', () => {
    expect(aws.write(CREDENTIALS, { access_key: 'AKIANEW', secret_key: 'new' }, 'default')).toBe(
      CREDENTIALS.replace('AKIADEFAULT', 'AKIANEW').replace('abc/def+ghi=', 'new'),
    );
  });

  it('drops a session token that the new keys do not have', () => {
    const written = aws.write(CREDENTIALS, { access_key: 'A', secret_key: 'B' }, 'prod');
    expect(written).not.toContain('aws_session_token');
    expect(aws.read(written, 'prod')).toEqual({ access_key: 'A', secret_key: 'B' });
  });

  it('gets a new profile at its end', () => {
    expect(aws.write(CREDENTIALS, { access_key: 'A', secret_key: 'B' }, 'team')).toBe(
      `${CREDENTIALS}[team]\naws_access_key_id = A\naws_secret_access_key = B\n`,
    );
  });

  it('keeps a profile that has other things in it when the keys go', () => {
    const text = '[sso]\nrole_arn = r\n';
    const written = aws.write(text, { access_key: 'A', secret_key: 'B' }, 'sso');
    expect(aws.remove(written, 'sso', text)).toBe(text);
  });
});

describe('an AWS config file', () => {
  it.each([
    ['default', '[default]\nregion = eu-west-1\n', 'eu-west-1'],
    ['default', '[profile default]\nregion = eu-west-1\n', 'eu-west-1'],
    ['work', '[profile work]\nregion=us-east-1', 'us-east-1'],
    ['work', '[profile "work"]\r\nregion=us-east-1\r\n', 'us-east-1'],
    ['work', '[work]\nregion = not-this\n', undefined],
    ['work', '[profile work]\ns3 =\n  region = nested\n', undefined],
    ['work', '[profile work]\n  output = json\n  region = indented\n', 'indented'],
    ['work', '[profile work]\n# region = commented\n', undefined],
    ['work', '\uFEFF[profile work]\nregion = marked\n', 'marked'],
  ])('of profile %s in %j says region %s', (profile, text, region) => {
    expect(config.read(text, profile)?.['region']).toBe(region);
  });
});

describe('a file of keys without a section', () => {
  it.each([
    ['api_key = secret_x\n', 'secret_x'],
    ['# mine\napi_key=secret_x', 'secret_x'],
    ['[other]\napi_key = not-this\n', undefined],
    ['', undefined],
  ])('%j holds %s', (text, key) => {
    expect(lambda.read(text, 'default')?.['api_key']).toBe(key);
  });

  it('is written above the sections', () => {
    expect(lambda.write('[x]\na = b\n', { api_key: 'k' }, '')).toBe('api_key = k\n[x]\na = b\n');
  });
});

describe('a TOML file', () => {
  const text =
    '[one]\ntoken_id = "ak-1" # first\ntoken_secret = \'as-1\'\n\n[two]\ntoken_id = "a\\"k"\nactive = true\n';

  it.each([
    ['one', { token_id: 'ak-1', token_secret: 'as-1' }],
    ['two', { token_id: 'a"k' }],
    ['three', undefined],
  ])('has of table %s %j', (table, values) => {
    expect(modal.read(text, table)).toEqual(values);
  });

  it('keeps quotes and comments', () => {
    expect(modal.write(text, { token_id: 'ak-2', token_secret: 'as-2' }, 'one')).toBe(
      text.replace('ak-1', 'ak-2').replace('as-1', 'as-2'),
    );
  });

  it('says which of its tables is in use', () => {
    expect(tableWith('active', 'true')(text)).toBe('two');
    expect(tableWith('active', 'true')('[one]\nactive = false\n')).toBeUndefined();
  });
});

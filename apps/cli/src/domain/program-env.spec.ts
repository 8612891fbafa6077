import { describe, expect, it } from 'vitest';
import { secretOption, withOffers } from './program-env.js';

describe('credentials in the environment of a program', () => {
  const aws = { from: 'aws', env: { KEY: 'a', SECRET: 'b' } };
  const s3 = { from: 's3', env: { KEY: 'c', SECRET: 'd', ENDPOINT: 'e' } };
  it.each([
    ['are added', { PATH: 'p' }, [aws], { PATH: 'p', KEY: 'a', SECRET: 'b' }, []],
    ['may be there already', { KEY: 'a' }, [aws], { KEY: 'a', SECRET: 'b' }, []],
    ['are left out whole where another is there', { SECRET: 'x' }, [aws], { SECRET: 'x' }, ['aws: SECRET']],
    ['are never mixed', {}, [aws, s3], { KEY: 'a', SECRET: 'b' }, ['s3: KEY']],
    ['do not mind variables that are unset', { KEY: undefined }, [aws], { KEY: 'a', SECRET: 'b' }, []],
  ])('%s', (_, base, offers, env, left) => {
    const result = withOffers(base, offers);
    expect(result.env).toEqual(env);
    expect(result.left.map(({ from, because }) => `${from}: ${because}`)).toEqual(left);
  });
});

describe('--secret', () => {
  it.each([
    ['HF_TOKEN', { name: 'HF_TOKEN', variable: 'HF_TOKEN' }],
    ['HF_TOKEN=TOKEN', { name: 'HF_TOKEN', variable: 'TOKEN' }],
    ['ssh.private_key=KEY', { name: 'ssh.private_key', variable: 'KEY' }],
    ['ssh.private_key', undefined],
    ['HF_TOKEN=', undefined],
    ['HF_TOKEN=a b', undefined],
    ['=TOKEN', undefined],
  ])('%s', (text, expected) => {
    expect(secretOption(text)).toEqual(expected);
  });
});

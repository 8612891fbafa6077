/** The values of one credential, by the names of its fields. */
export type Values = Readonly<Record<string, string>>;

export interface Field {
  readonly name: string;
  /** The variables that tools read it from; the first is the one that is set, the others are only read. */
  readonly variables: readonly string[];
  readonly secret: boolean;
  readonly required: boolean;
  /** `text` may have several lines: it is a whole file. */
  readonly kind: 'line' | 'text';
  /** What the provider's values look like today. Anything else is a warning, never a refusal: shapes change. */
  readonly shape?: RegExp;
}

/**
 * How one kind of file holds a credential. Pure, and exact: what is not the credential stays byte for byte, and
 * `remove(write(text))` is `text` where the credential was not in it, also when others were written in between.
 * `profile` names the entry: an AWS profile, a host, a registry. All throw UnusableText where the text is not of this kind.
 */
export interface FileFamily {
  /** The fields that this file holds. */
  readonly fields: readonly string[];
  /** That the file is the value of its one field, and nothing else. */
  readonly whole?: true;
  /** What the file has of those fields, which may be some only; undefined when it has none. */
  readonly read: (text: string, profile: string) => Values | undefined;
  /** The text with the entry's fields as in `values`; those of its fields that `values` has not are taken out. */
  readonly write: (text: string | undefined, values: Values, profile: string) => string;
  /** The text without the entry. What `before` had of it (a section, a host) stays; undefined when nothing is left. */
  readonly remove: (text: string, profile: string, before: string | undefined) => string | undefined;
}

/** A variable that moves a file: it names the file itself, or the folder that has it as `below`. */
export interface FileLocation {
  readonly variable: string;
  readonly below?: string;
}

export interface CredentialFile {
  /** Below the home folder; `{profile}` stands for the profile's name. It also is the file's name in the manifest. */
  readonly path: string;
  /** The permission bits of a file that we make. */
  readonly mode: number;
  readonly family: FileFamily;
  readonly locations?: readonly FileLocation[];
  /** A job that gets the file is told its path in this variable. */
  readonly announcedIn?: string;
  /** The profile that the file itself says is in use. */
  readonly activeProfile?: (text: string) => string | undefined;
}

/** How a job gets it: as variables, as files, or both. */
export type Delivery = 'env' | 'file' | 'both';

export interface CredentialFormat {
  readonly name: string;
  readonly title: string;
  readonly aliases: readonly string[];
  readonly fields: readonly Field[];
  readonly files: readonly CredentialFile[];
  readonly delivery: Delivery;
  /** The entries that tools look at when none is named, the first of which is written; none: one must be named. */
  readonly profiles: readonly string[];
  /** The variable by which a tool is told another profile. */
  readonly profileVariable?: string;
  readonly profileShape: RegExp;
  /** Where the values themselves say which entry they belong to. */
  readonly profileOf?: (values: Values) => string | undefined;
}

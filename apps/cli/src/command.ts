import { parseArgs } from 'node:util';
import { EXIT, wrongUsage } from './domain/cli-error.js';
import type { World } from './world.js';

interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** One letter for it. */
  readonly short?: string;
}
export type Options = Readonly<Record<string, Option>>;

/** What was given for the options of a command. */
export type Given<O extends Options> = {
  readonly [Name in keyof O]?:
    | (O[Name]['type'] extends 'boolean' ? boolean : O[Name]['multiple'] extends true ? string[] : string)
    | undefined;
};

export interface Call<O extends Options> {
  readonly options: Given<O>;
  readonly words: readonly string[];
  /** What stands after `--`; undefined where there is none. */
  readonly after: readonly string[] | undefined;
  readonly world: World;
}

export interface Command {
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly about: string;
  /** What more there is to know. */
  readonly help: string;
  readonly call: (args: readonly string[], world: World) => Promise<number>;
}

/** Makes a command of its options, how many words it takes, and what it does. Reading the arguments throws wrong usage. */
export function command<const O extends Options>(spec: {
  readonly name: string;
  readonly usage: string;
  readonly about: string;
  readonly help?: string;
  readonly options: O;
  readonly words: readonly [min: number, max: number];
  readonly takesProgram?: boolean;
  readonly run: (call: Call<O>) => Promise<number | void>;
}): Command {
  const { name, usage, about, help = '', options, words: bounds, takesProgram = false, run } = spec;
  return {
    name,
    usage,
    about,
    help,
    call: async (args, world) => {
      const dashes = args.indexOf('--');
      const own = dashes === -1 ? args : args.slice(0, dashes);
      const after = dashes === -1 ? undefined : args.slice(dashes + 1);
      if (after && !takesProgram) throw wrongUsage('takes nothing after --');
      const { values, positionals: words } = readArguments(own, options);
      const [min, max] = bounds;
      if (words.length < min) throw wrongUsage('something is missing');
      // Which one is not said: it may be a value that was typed after a name.
      if (words.length > max) throw wrongUsage('there is a word too many');
      return (await run({ options: values as Given<O>, words, after, world })) ?? EXIT.ok;
    },
  };
}

function readArguments(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options: { ...options }, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's message quotes the option's name, and of an option that was given a value it takes not, not the value.
    throw wrongUsage(error instanceof Error ? (error.message.split('. ')[0] ?? '') : 'wrong arguments');
  }
}

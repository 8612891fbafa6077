import type { Segments } from './glob.js';

/** Where a job's output goes, as patterns see it; or why that cannot be said. */
export type Place =
  | { readonly state: 'clear'; readonly path: string; readonly segments: Segments }
  | { readonly state: 'unclear'; readonly why: string };

const CONTROLS = /\p{Cc}/u;
// A dot, a slash, a backslash, a NUL or a percent sign in disguise.
const DISGUISED = /%(?:2e|2f|5c|00|25)/i;
const URL_FORM = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is;

/**
 * Puts a path in the one form in which it is compared: no `//`, no `.`, `..` gone with what it leaves, no slash at the end.
 * What different programs would take for different places is `unclear`, so that nothing is let through as one place and
 * written to another. An object store has no folders to go up from: there `..` is part of the name for some programs.
 */
export function placeOf(given: string): Place {
  if (CONTROLS.test(given)) return unclear('holds control characters');
  if (given.includes('\\')) return unclear('holds a backslash');
  if (DISGUISED.test(given)) return unclear('holds a percent sign before what stands for . / \\ or %');
  const [, scheme, rest] = URL_FORM.exec(given) ?? [];
  if (scheme === undefined || rest === undefined) return ofFile(given);
  if (scheme.toLowerCase() !== 'file') return ofUrl(scheme.toLowerCase(), rest);
  if (given.includes('%')) return unclear('holds a percent sign in a file URL');
  const local = rest.replace(/^localhost(?=\/)/i, '');
  return local.startsWith('/') ? ofFile(local) : unclear('is a file URL of another machine');
}

const unclear = (why: string): Place => ({ state: 'unclear', why });
const clear = (path: string, segments: readonly string[]): Place => ({
  state: 'clear',
  path,
  segments: segments.map((segment) => Array.from(segment)),
});

function ofUrl(scheme: string, rest: string): Place {
  const [authority = '', ...names] = rest.split('/');
  if (['', '.', '..'].includes(authority)) return unclear(`names no place behind ${scheme}://`);
  if (names.includes('..')) return unclear('has .. in a URL');
  const kept = names.filter((name) => name !== '' && name !== '.');
  return clear(`${scheme}://${[authority, ...kept].join('/')}`, [`${scheme}:`, '', authority, ...kept]);
}

function ofFile(given: string): Place {
  const isAbsolute = given.startsWith('/');
  const names: string[] = [];
  for (const name of given.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    // The folder above the root is the root.
    else if (names.pop() === undefined && !isAbsolute) return unclear('leads out of the folder it begins in');
  }
  if (isAbsolute) return clear(`/${names.join('/')}`, ['', ...names]);
  return clear(names.join('/') || '.', names);
}

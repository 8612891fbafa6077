import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHARED_FILES, valuesOf } from './families.fixture.js';
import { FORMATS } from './formats.js';
import { takeOut } from './take-out.js';
import { joinLines, splitLines } from './text-lines.js';

const files = FORMATS.flatMap((format) =>
  format.files.map((file) => ({ name: `${format.name} in ${file.path}`, file })),
);
const shared = files.flatMap(({ name, file }) => {
  const samples = SHARED_FILES[file.path];
  return samples ? [{ name, file, ...samples }] : [];
});

describe.each(files)('$name', ({ file: { path, family }, file }) => {
  const [profile, other] = SHARED_FILES[path]?.profiles ?? ['id_rsa', 'id_rsa'];
  const texts = fc.option(SHARED_FILES[path]?.texts ?? fc.constant('old\n'), { nil: undefined });

  it('reads what was written, whatever else is in the file', () => {
    fc.assert(
      fc.property(texts, valuesOf(file, profile), (text, values) => {
        expect(family.read(family.write(text, values, profile), profile)).toEqual(values);
      }),
    );
  });

  it('writes the same values a second time without a change', () => {
    fc.assert(
      fc.property(texts, valuesOf(file, profile), (text, values) => {
        const once = family.write(text, values, profile);
        expect(family.write(once, values, profile)).toBe(once);
      }),
    );
  });

  it('replaces values, of which nothing is left', () => {
    fc.assert(
      fc.property(texts, valuesOf(file, profile), valuesOf(file, profile), (text, first, second) => {
        const twice = family.write(family.write(text, first, profile), second, profile);
        expect(family.read(twice, profile)).toEqual(second);
      }),
    );
  });

  it('leaves the entry of another name as it was', () => {
    fc.assert(
      fc.property(texts, valuesOf(file, profile), (text, values) => {
        if (other === profile) return;
        const before = text === undefined ? undefined : family.read(text, other);
        expect(family.read(family.write(text, values, profile), other)).toEqual(before);
      }),
    );
  });
});

describe.each(shared)('$name, which has other things too,', ({ file, file: { family }, texts, profiles }) => {
  const [one, two] = profiles;

  it('is byte for byte as before when the entry is taken out', () => {
    fc.assert(
      fc.property(texts, valuesOf(file, one), (text, values) => {
        const written = family.write(text, values, one);
        expect(takeOut(written, family, one, text) ?? '').toBe(text);
      }),
    );
  });

  it.each([
    ['the first first', [one, two]],
    ['the last first', [two, one]],
  ] as const)('is byte for byte as before when two entries are taken out, %s', (_, order) => {
    fc.assert(
      fc.property(texts, valuesOf(file, one), valuesOf(file, two), (text, first, second) => {
        const written = family.write(family.write(text, first, one), second, two);
        expect(family.read(written, one)).toEqual(first);
        expect(family.read(written, two)).toEqual(second);
        const left = order.reduce<string | undefined>(
          (now, name) => takeOut(now ?? '', family, name, text),
          written,
        );
        expect(left ?? '').toBe(text);
      }),
    );
  });

  it('is as if only another had written when the entry is taken out under it', () => {
    fc.assert(
      fc.property(texts, valuesOf(file, one), valuesOf(file, two), (text, ours, theirs) => {
        const written = family.write(family.write(text, ours, one), theirs, two);
        expect(takeOut(written, family, one, text)).toBe(family.write(text, theirs, two));
      }),
    );
  });

  it('leaves nothing of a file that it made', () => {
    fc.assert(
      fc.property(valuesOf(file, one), (values) => {
        expect(family.remove(family.write(undefined, values, one), one, undefined)).toBeUndefined();
      }),
    );
  });
});

it('cuts a text into lines and joins them again without a loss', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', '\r', '\r\n', '\uFEFF', ' ')), (parts) => {
      expect(joinLines(splitLines(parts.join('')))).toBe(parts.join(''));
    }),
  );
});

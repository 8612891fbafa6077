import { describe, expect, it } from 'vitest';
import { BARS, DARK, LIGHT, ON_BAR, type Palette } from './mail-palette.js';
import { SEVERITIES } from './severity.js';

/** As WCAG 2.2 has it: of the lightness of two colours, 1 to 21. */
function contrastOf(one: string, other: string): number {
  const lightness = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5]
      .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark = 0, light = 0] = [lightness(one), lightness(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

it('knows how far colours are apart', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrastOf('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

const LETTERS: readonly [keyof Palette, keyof Palette][] = [
  ['text', 'card'],
  ['muted', 'card'],
  ['muted', 'page'],
  ['link', 'card'],
  ['onButton', 'button'],
];

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('in %s', (_, palette) => {
  it.each(LETTERS)('%s can be read on %s', (letters, ground) => {
    expect(contrastOf(palette[letters], palette[ground])).toBeGreaterThanOrEqual(4.5);
  });

  it('a button can be told from what it is on', () => {
    expect(contrastOf(palette.button, palette.card)).toBeGreaterThanOrEqual(3);
  });
});

it.each(SEVERITIES)('the words on the bar of %s can be read', (severity) => {
  expect(contrastOf(ON_BAR, BARS[severity])).toBeGreaterThanOrEqual(4.5);
});

it('has another bar for each severity', () => {
  expect(new Set(Object.values(BARS)).size).toBe(SEVERITIES.length);
});

import type { Severity } from './severity.js';

/** The colours of a mail, by what they are for. */
export interface Palette {
  readonly page: string;
  readonly card: string;
  readonly text: string;
  /** Labels, notes and times. */
  readonly muted: string;
  readonly line: string;
  readonly link: string;
  readonly button: string;
  readonly onButton: string;
}

// No pure white for letters: whoever reads answers takes white letters for hidden ones (replies/html-text.ts).
const PALE = '#f8fafc';

export const LIGHT: Palette = {
  page: '#eef2f6',
  card: '#ffffff',
  text: '#0f172a',
  muted: '#475569',
  line: '#d5dde7',
  link: '#1d4ed8',
  button: '#1d4ed8',
  onButton: PALE,
};

export const DARK: Palette = {
  page: '#0b1120',
  card: '#1b2537',
  text: '#e6ebf2',
  muted: '#a9b6c8',
  line: '#36445a',
  link: '#93c5fd',
  button: '#93c5fd',
  onButton: '#0b1120',
};

/** The bar on top of a mail: alike in light and dark. */
export const BARS: Readonly<Record<Severity, string>> = {
  debug: '#475569',
  info: '#1d4ed8',
  warning: '#9a4a07',
  error: '#c11f1f',
  critical: '#86198f',
};
export const ON_BAR = PALE;

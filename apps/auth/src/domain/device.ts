// The first that fits counts: browsers name those before them that they want to be taken for.
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|Opera)\//, 'Opera'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(HeadlessChrome|Chromium|Chrome|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\b(Macintosh|Mac OS X)\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

const firstThat = (fits: readonly (readonly [RegExp, string])[], text: string): string | undefined =>
  fits.find(([pattern]) => pattern.test(text))?.[1];

/** The program that a `User-Agent` is of, without its version: an update is no new device. */
export function agentFamily(userAgent: string): string {
  const browser = firstThat(BROWSERS, userAgent);
  const system = firstThat(SYSTEMS, userAgent);
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`;
  return /^[\w.+-]{1,60}/.exec(userAgent)?.[0] ?? 'an unknown program';
}

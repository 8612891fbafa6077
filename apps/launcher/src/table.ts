export interface Row {
  readonly what: string;
  readonly where: string;
  readonly how: string;
  readonly readyAfterMs: number | undefined;
}

/** The rows as aligned columns, under a head. */
export function table(rows: readonly Row[]): string {
  const cells = [
    ['what', 'where', 'ready', 'how'],
    ...rows.map(({ what, where, how, readyAfterMs }) => [
      what,
      where,
      readyAfterMs === undefined ? '-' : `${readyAfterMs} ms`,
      how,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(([what = '', where = '', ready = '', how = '']) => {
      const [a = 0, b = 0, c = 0] = widths;
      return `  ${what.padEnd(a)}  ${where.padEnd(b)}  ${ready.padStart(c)}  ${how}`;
    })
    .join('\n');
}

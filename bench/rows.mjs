import { writeFileSync } from 'node:fs';
import { round } from './measure.mjs';

/** The figures of one run: each is printed when it is known; `write` keeps them all in a file. */
export function openRows() {
  const rows = [];
  return {
    /** `floor`: what is wanted, or what the machine does at best. */
    row: (figure, value, unit, floor, better = 'more') => {
      const rounded = round(value, ['ms', 's', 'of 1', 'x'].includes(unit) ? 2 : 0);
      const ratio =
        floor === undefined ? undefined : round(better === 'more' ? value / floor : floor / value, 2);
      rows.push({
        figure,
        value: rounded,
        unit,
        ...(floor === undefined ? {} : { floor: round(floor, 2), ratio }),
      });
      console.log(
        `${figure.padEnd(44)} ${String(rounded).padStart(10)} ${unit.padEnd(8)}${floor === undefined ? '' : ` floor ${round(floor, 2)}, ratio ${ratio}`}`,
      );
    },
    write: (path) => writeFileSync(path, `${JSON.stringify(rows, null, 2)}\n`),
  };
}

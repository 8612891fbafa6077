/** One task of an array: a value for each parameter. */
export type Point = Readonly<Record<string, string | number | boolean>>;

/** Every combination of the values, in the order in which they are given; the last parameter changes fastest. */
export function pointsOf(
  parameters: Readonly<Record<string, readonly (string | number | boolean)[]>>,
): Point[] {
  let points: Point[] = [{}];
  for (const [name, values] of Object.entries(parameters))
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  return points;
}

const WHOLE = /^\{\{(\w+)\}\}$/;
const PART = /\{\{(\w+)\}\}/g;

/**
 * A template with a point's values: a string that is just `{{name}}` becomes the value itself, whatever its type; inside longer
 * strings its text is put. Names that are no parameter stay as they are.
 */
export function filled(template: unknown, point: Point): unknown {
  if (typeof template === 'string') {
    const whole = WHOLE.exec(template)?.[1];
    if (whole !== undefined && Object.hasOwn(point, whole)) return point[whole];
    return template.replace(PART, (placeholder, name: string) =>
      Object.hasOwn(point, name) ? String(point[name]) : placeholder,
    );
  }
  if (Array.isArray(template)) return template.map((item) => filled(item, point));
  if (template === null || typeof template !== 'object') return template;
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, filled(item, point)]));
}

/** Names that a template asks for. */
export function namesIn(template: unknown): Set<string> {
  const text = JSON.stringify(template) ?? '';
  return new Set([...text.matchAll(PART)].map(([, name]) => name!));
}

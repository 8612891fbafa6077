/** The text as Postgres takes it: neither with NUL nor with half a surrogate pair, which a cut or a provider may have left. */
export const storable = (text: string): string => text.replaceAll('\u0000', '\uFFFD').toWellFormed();

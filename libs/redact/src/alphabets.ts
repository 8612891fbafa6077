/** What letters of an alphabet stand for, by their byte; -1 for what is not in it. */
export const BASE64 = alphabet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
BASE64['-'.charCodeAt(0)] = 62;
BASE64['_'.charCodeAt(0)] = 63;
export const HEX = alphabet('0123456789abcdef');
for (const [value, letter] of Array.from('ABCDEF').entries()) HEX[letter.charCodeAt(0)] = 10 + value;

function alphabet(letters: string): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (const [value, letter] of Array.from(letters).entries()) table[letter.charCodeAt(0)] = value;
  return table;
}

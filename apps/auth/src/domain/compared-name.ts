/**
 * A name with everything left out that some directory leaves out when it compares names: case, accents, width, blanks, signs
 * that do not show. Coarser than any of them, so that no other way of writing a name is another name.
 */
export const comparedName = (name: string): string =>
  name
    .normalize('NFKD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[\p{M}\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu, '');

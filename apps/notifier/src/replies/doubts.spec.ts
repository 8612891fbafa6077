import { describe, expect, it } from 'vitest';
import { verdictOf } from './grammar.js';

describe('an approval under which stands a condition', () => {
  it.each([
    'Zatwierdzam, jesli budzet pozwoli',
    'Aprobat, daca exista buget',
    'Aprobado, manana',
    'Approuvé, apres la reunion',
    'Onaylandi, eger butce varsa',
    'ΕΓΚΡΙΝΕΤΑΙ, ΟΤΑΝ ΥΠΑΡΧΕΙ ΧΡΗΜΑ',
    'ΕΓΚΡΙΝΩ, ΑΛΛΑ ΑΥΡΙΟ',
  ])('written without accents is none: %j', (text) => {
    expect(verdictOf(text).verdict).toBe('unclear');
  });
});

describe('an approval', () => {
  it.each(['Sí', 'Sì, grazie', 'Onaylandi', 'Zatwierdzam.\nDziękuję', 'ΕΓΚΡΙΝΕΤΑΙ'])(
    'is read in %j',
    (text) => {
      expect(verdictOf(text).verdict).toBe('approve');
    },
  );
});

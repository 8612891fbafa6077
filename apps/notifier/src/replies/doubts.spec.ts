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

  it.each([
    'Approved, subject to budget',
    'Approved, as long as it stays below $50',
    'Approved, as  soon\nas the budget is there',
    'Approved, in case there is budget',
    'Approved, up to 50 dollars',
    'Approved, next week',
    'Approved, conditional on legal',
    'Approved, depending on the budget',
    'Approved, excluding the A100',
    'Approved, isnt it',
    'Approved. Nah',
    'Approved... jk',
    'Approve. I object',
    'Approve\nabort',
    'Approve\n\nOn second thought',
    'Genehmigt, vorbehaltlich der Freigabe',
    'Genehmigt, sobald das Budget da ist',
    'Genehmigt, maximal 50 Euro',
    'Genehmigt, am Montag',
    'Genehmigt, naechste Woche',
    'Approuvé, dès que le budget est là',
    'Approuvé, tant que ça coûte peu',
    'Aprobado, siempre que haya presupuesto',
    'Aprobado, mientras cueste poco',
    'Approvato, a patto che costi poco',
    'Aprovado, desde que custe pouco',
    'Goedgekeurd, onder voorbehoud',
    'Godkänd, så länge den är billig',
    'Godkendt, såfremt der er penge',
    'Godkjent, så lenge det er billig',
    'Hyväksyn, mikäli budjetti riittää',
    'Zatwierdzam, o ile jest budżet',
    'Schváleno, jakmile bude rozpočet',
    'Schválené, akonáhle bude rozpočet',
    'Jóváhagyom, amennyiben van keret',
    'Aprobat, odată ce avem buget',
    'Onaylandı, bütçe varsa',
    'Εγκρίνω, αρκεί να υπάρχει χρήμα',
    'Согласовано, как только будет бюджет',
    'Согласовано, нельзя',
    'Схвалено, щойно буде бюджет',
    'Одобрено, щом има бюджет',
    'موافق، طالما توفرت الميزانية',
    'מאושר, בכפוף לתקציב',
    'स्वीकृत, बशर्ते बजट हो',
    'phê duyệt, miễn là đủ tiền',
    'setuju, selama ada anggaran',
    '批准，前提是预算',
    '承認、予算次第',
    '승인. 취소',
    'อนุมัติ, เมื่อมีงบ',
  ])('is none: %j', (text) => {
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

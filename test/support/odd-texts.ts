import fc from 'fast-check';

/** Texts that have broken something somewhere. */
export function oddText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '.',
      '..',
      '../../../etc/passwd',
      '__proto__',
      'constructor',
      'hasOwnProperty',
      'null',
      'undefined',
      'NaN',
      'Infinity',
      '-1',
      '0',
      '1e999',
      '0x10',
      '9'.repeat(400),
      '00000000-0000-0000-0000-000000000000',
      '\0',
      '\ud800',
      '\u202e\u0000',
      'ﷺ\u{1F9F5}\u0301',
      "'; drop table tasks; --",
      '%_\\',
      '$1',
      '{{7*7}}',
      '<script>alert(1)</script>',
      '\r\nX-Injected: 1',
      '2030-02-30T00:00:00Z',
      '999999-01-01T00:00:00Z',
      'x'.repeat(3000),
    ),
    fc.string({ maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
}

/** The usual thing nine times of ten. */
export function mostly<T>(usual: T, odd: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
}

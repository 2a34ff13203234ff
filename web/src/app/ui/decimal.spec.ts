import { formatDecimal, formatUsd, sumDecimals } from './decimal';

describe('formatDecimal', () => {
  it('rounds half up on the text, where a float would not', () => {
    expect(formatDecimal('1.005', { places: 2 })).toBe('1.01');
    expect(formatDecimal('0.9999999999', { places: 2 })).toBe('1.00');
    expect(formatDecimal('99999999999999999999.995', { places: 2 })).toBe('100,000,000,000,000,000,000.00');
  });

  it('groups thousands and puts the sign before the unit', () => {
    expect(formatDecimal('-1234567.5', { places: 2, unit: '$' })).toBe('−$1,234,567.50');
    expect(formatDecimal('12', { places: 0, isSigned: true })).toBe('+12');
  });

  it('gives zero no sign', () => {
    expect(formatDecimal('-0.001', { places: 2, isSigned: true })).toBe('0.00');
    expect(formatDecimal('0', { places: 2, isSigned: true })).toBe('0.00');
  });

  it('reads exponents', () => {
    expect(formatDecimal('8.667E-7', { places: 10 })).toBe('0.0000008667');
    expect(formatDecimal('1.25E+3', { places: 2 })).toBe('1,250.00');
    expect(formatDecimal('0E-10', { places: 2 })).toBe('0.00');
    expect(formatDecimal('1E999999999', { places: 2 })).toBe('—');
  });

  it('shows a dash for what is missing or no number', () => {
    expect(formatDecimal(null, { places: 2 })).toBe('—');
    expect(formatDecimal('NaN', { places: 2 })).toBe('—');
  });
});

describe('formatUsd', () => {
  it('shows four decimals under a dollar and two above', () => {
    expect(formatUsd('0.0021370000')).toBe('$0.0021');
    expect(formatUsd('12.3456')).toBe('$12.35');
    expect(formatUsd('0')).toBe('$0.00');
    expect(formatUsd('8.667E-7')).toBe('<$0.0001');
    expect(formatUsd('0E-10', 4)).toBe('$0.0000');
  });
});

describe('sumDecimals', () => {
  it('adds exactly', () => {
    expect(formatDecimal(sumDecimals(['0.1', '0.2', null, 'x']), { places: 10 })).toBe('0.3000000000');
    expect(sumDecimals(['1', '-2.5'])).toBe('-1.5000000000');
    expect(sumDecimals([])).toBe('0.0000000000');
  });
});

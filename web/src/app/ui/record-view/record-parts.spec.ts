import { labelOf, partsOf, scalar } from './record-parts';

describe('partsOf', () => {
  it('shows facts first, then prose, lists and tables', () => {
    const reasoning = 'The averages of all three timeframes point upward and the momentum is not exhausted.';
    const parts = partsOf({
      rules: [
        { rule: 'cap', passed: true },
        { rule: 'stop', passed: false },
      ],
      reasoning,
      factors: ['EMA above SMA on 1h', 'RSI at 61'],
      bias: 'bullish',
      timeframes: ['1h', '4h'],
      nothing: null,
      empty: [],
    });
    expect(parts.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'fact bias',
      'fact timeframes',
      'prose reasoning',
      'bullets factors',
      'table rules',
    ]);
    expect(parts.at(-1)).toMatchObject({
      rows: [
        ['cap', 'yes'],
        ['stop', 'no'],
      ],
    });
  });

  it('keeps nested records as records', () => {
    expect(partsOf({ a: { b: { c: 1 } } })).toEqual([{ kind: 'record', key: 'a', label: 'A', value: { b: { c: 1 } } }]);
  });
});

describe('scalar', () => {
  it.each([
    ['64000.1200000000', '64,000.12'],
    ['64000.1000000000', '64,000.10'],
    ['0.0000000000', '0'],
    ['0E-10', '0'],
    ['3.611E-7', '0.0000003611'],
    [1.5, '1.50'],
    [true, 'yes'],
    [null, ''],
    ['2026-01-05T12:00:00Z', '2026-01-05 12:00:00 UTC'],
    ['bullish', 'bullish'],
    ['every_edge', 'every edge'],
    ['RSI_14', 'RSI_14'],
  ])('shows %s as %s', (value, text) => {
    expect(scalar(value)).toBe(text);
  });
});

describe('labelOf', () => {
  it('puts the unit behind', () => {
    expect(labelOf('position_risk_usd')).toBe('Position risk (USD)');
    expect(labelOf('decided_at')).toBe('Decided');
    expect(labelOf('MACD_12_26_9.line')).toBe('MACD_12_26_9.line');
  });
});

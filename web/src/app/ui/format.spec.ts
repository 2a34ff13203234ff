import {
  agentName,
  formatAgo,
  formatDuration,
  formatNumber,
  formatPercentChange,
  formatPrice,
  formatUtc,
  formatVolume,
  shortSymbol,
  venue,
} from './format';

describe('formatNumber', () => {
  it('uses a real minus and groups thousands', () => {
    expect(formatNumber(-1234.5, 2)).toBe('−1,234.50');
    expect(formatNumber(-0, 2)).toBe('0.00');
  });

  it('shows a dash for what is not known yet', () => {
    expect(formatNumber(Number.NaN, 2)).toBe('—');
    expect(formatNumber(null, 2)).toBe('—');
  });
});

describe('formatPrice', () => {
  it('shows more decimals for cheap instruments', () => {
    expect(formatPrice(64000.126)).toBe('64,000.13');
    expect(formatPrice(0.5214)).toBe('0.5214');
    expect(formatPrice(0.00123456)).toBe('0.001235');
  });
});

describe('formatPercentChange', () => {
  it('always carries a sign', () => {
    expect(formatPercentChange(0.0124)).toBe('+1.24%');
    expect(formatPercentChange(-0.0124)).toBe('−1.24%');
    expect(formatPercentChange(0)).toBe('0.00%');
  });
});

describe('formatDuration', () => {
  it.each([
    [12.4, '12 ms'],
    [3240, '3.2 s'],
    [42_900, '42 s'],
    [245_000, '4 min 05 s'],
    [7_800_000, '2 h 10 min'],
    [273_600_000, '3 d 4 h'],
  ])('shows %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatAgo', () => {
  it('counts from the given now', () => {
    const now = Date.parse('2026-01-05T12:00:00Z');
    expect(formatAgo('2026-01-05T11:59:59.500Z', now)).toBe('just now');
    expect(formatAgo('2026-01-05T11:59:18Z', now)).toBe('42 s ago');
    expect(formatAgo('2026-01-05T09:00:00Z', now)).toBe('3 h ago');
    expect(formatAgo(undefined, now)).toBe('—');
  });
});

describe('words', () => {
  it('names agents, symbols, volumes and moments', () => {
    expect(agentName('bias_agent')).toBe('Bias');
    expect(agentName('price_trigger')).toBe('Price trigger');
    expect(shortSymbol('BINANCE:BTCUSDT')).toBe('BTCUSDT');
    expect(venue('BINANCE:BTCUSDT')).toBe('BINANCE');
    expect(shortSymbol('AAPL')).toBe('AAPL');
    expect(venue('AAPL')).toBe('');
    expect(formatVolume(1_234_567)).toBe('1.23M');
    expect(formatVolume(12_500)).toBe('12.50K');
    expect(formatVolume(0.25)).toBe('0.250');
    expect(formatUtc(0)).toBe('1970-01-01 00:00:00.000 UTC');
  });
});

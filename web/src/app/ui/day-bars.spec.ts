import { barsOf } from './day-bars';

describe('barsOf', () => {
  it('shows every day, also those that cost nothing', () => {
    const line = { key: '2026-01-02', label: '', amount_usd: '0.5', calls: 1, input_tokens: 0, output_tokens: 0 };
    const bars = barsOf([line, { ...line, key: '2026-01-03', amount_usd: '1' }], '2026-01-03', 3);
    expect(bars.map(({ day, share }) => [day, share])).toEqual([
      ['2026-01-01', 0],
      ['2026-01-02', 0.5],
      ['2026-01-03', 1],
    ]);
    expect(barsOf([], '2026-01-03', 1)[0]?.share).toBe(0);
  });
});

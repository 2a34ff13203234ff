import { Candle } from '../../data/models';
import { firingPoints, inOrder, panesOf, toBar, toPoint } from './chart-data';

function candle(ts_ms: number, close = 1, values: Record<string, number | null> = {}): Candle {
  return { ts_ms, open: 1, high: 2, low: 0.5, close, volume: 3, vwap: 1, trades: 4, values };
}

describe('chart data', () => {
  it('counts in seconds', () => {
    expect(toBar(candle(1_700_000_060_000)).time).toBe(1_700_000_060);
  });

  it('leaves a gap where an indicator is warming', () => {
    expect(toPoint(candle(60_000, 1, { RSI_14: null }), 'RSI_14')).toEqual({ time: 60 });
    expect(toPoint(candle(60_000, 1, { RSI_14: 50 }), 'RSI_14')).toEqual({ time: 60, value: 50 });
    expect(toPoint(candle(60_000), 'RSI_14')).toEqual({ time: 60 });
  });

  it('orders candles and keeps the last of each start', () => {
    const ordered = inOrder([candle(120_000), candle(60_000, 1), candle(60_000, 9)]);
    expect(ordered.map(({ ts_ms, close }) => [ts_ms, close])).toEqual([
      [60_000, 9],
      [120_000, 1],
    ]);
  });

  it('draws averages over the candles and oscillators below, parts of one together', () => {
    expect([...panesOf(['SMA_20', 'RSI_14', 'MACD_12_26_9.line', 'MACD_12_26_9.signal']).values()]).toEqual([
      0, 1, 2, 2,
    ]);
  });

  it('puts firings on the candles they fell in and counts them', () => {
    const starts = [60_000, 120_000, 180_000];
    const points = firingPoints([{ ts_ms: 60_000 }, { ts_ms: 119_999 }, { ts_ms: 200_000 }, { ts_ms: 1 }], starts);
    expect(points).toEqual([
      { ts_ms: 60_000, count: 2 },
      { ts_ms: 180_000, count: 1 },
    ]);
  });
});

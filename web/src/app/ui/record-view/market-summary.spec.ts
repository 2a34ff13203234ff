import { withoutCandles } from './market-summary';

describe('withoutCandles', () => {
  it('makes one row a timeframe, shortest first', () => {
    const summary = withoutCandles({
      symbol: 'AAPL',
      timeframes: {
        '1h': { ohlcv: { close: '2', volume: '9' }, indicators: { RSI_14: 52 }, candles: [{ close: '1' }] },
        '1m': { ohlcv: { close: '2.1' }, indicators: {} },
      },
    });
    expect(summary).toEqual({
      symbol: 'AAPL',
      timeframes: [
        { timeframe: '1m', close: '2.1', volume: null },
        { timeframe: '1h', close: '2', volume: '9', RSI_14: 52 },
      ],
    });
  });

  it('leaves other outputs alone', () => {
    const settings = { timeframes: ['1m', '5m'] };
    expect(withoutCandles(settings)).toEqual(settings);
  });
});

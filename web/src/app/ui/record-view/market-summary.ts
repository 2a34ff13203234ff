import { Json, JsonRecord, TIMEFRAMES } from '../../data/models';
import { record } from '../../data/reading';

/** Puts the timeframes of a market data output into one table, without the candles behind them: one row each. */
export function withoutCandles(output: JsonRecord): JsonRecord {
  const timeframes = record(output['timeframes']);
  const rows: Json[] = TIMEFRAMES.filter((name) => timeframes[name]).map((name) => {
    const data = record(timeframes[name]);
    const { close, volume } = record(data['ohlcv']);
    return { timeframe: name, close: close ?? null, volume: volume ?? null, ...record(data['indicators']) };
  });
  return rows.length ? { ...output, timeframes: rows } : output;
}

import { CandlestickData, HistogramData, LineData, UTCTimestamp, WhitespaceData } from 'lightweight-charts';

import { Candle } from '../../data/models';

/** The chart counts seconds; everything of ours is milliseconds. */
export function toChartTime(ts_ms: number): UTCTimestamp {
  return Math.floor(ts_ms / 1000) as UTCTimestamp;
}

export function toBar(candle: Candle): CandlestickData {
  const { open, high, low, close } = candle;
  return { time: toChartTime(candle.ts_ms), open, high, low, close };
}

export function toVolume(candle: Candle, colours: { up: string; down: string }): HistogramData {
  const color = candle.close >= candle.open ? colours.up : colours.down;
  return { time: toChartTime(candle.ts_ms), value: candle.volume, color };
}

/** A point of an indicator; a gap where it is not known yet. */
export function toPoint(candle: Candle, column: string): LineData | WhitespaceData {
  const time = toChartTime(candle.ts_ms);
  const value = candle.values[column];
  return value == null ? { time } : { time, value };
}

/** Orders candles and keeps the last one of each start, as the chart demands. */
export function inOrder(candles: readonly Candle[]): Candle[] {
  const byStart = new Map(candles.map((candle) => [candle.ts_ms, candle]));
  return [...byStart.values()].sort((a, b) => a.ts_ms - b.ts_ms);
}

const ON_PRICE = /^(SMA|EMA|WMA|BBANDS|VWAP|KELTNER|DONCHIAN)/;

/** Whether an indicator is drawn over the candles, because it has their unit. Others get a pane of their own. */
export function isOnPrice(column: string): boolean {
  return ON_PRICE.test(column);
}

/** The pane of each column: 0 for those over the candles, then one for each indicator (`MACD_12_26_9.line` and
 * `.signal` share one). */
export function panesOf(columns: readonly string[]): Map<string, number> {
  const panes = new Map<string, number>();
  const ofIndicator = new Map<string, number>();
  for (const column of columns) {
    if (isOnPrice(column)) {
      panes.set(column, 0);
      continue;
    }
    const indicator = column.split('.')[0] ?? column;
    const pane = ofIndicator.get(indicator) ?? ofIndicator.size + 1;
    ofIndicator.set(indicator, pane);
    panes.set(column, pane);
  }
  return panes;
}

export interface FiringPoint {
  /** Start of the candle it fell in. */
  ts_ms: number;
  count: number;
}

/** Puts firings on the candles they fell in. Those before the first candle are left out. */
export function firingPoints(firings: readonly { ts_ms: number }[], starts: readonly number[]): FiringPoint[] {
  const counts = new Map<number, number>();
  for (const { ts_ms } of firings) {
    const start = lastAtOrBefore(starts, ts_ms);
    if (start !== undefined) {
      counts.set(start, (counts.get(start) ?? 0) + 1);
    }
  }
  return [...counts].map(([ts_ms, count]) => ({ ts_ms, count })).sort((a, b) => a.ts_ms - b.ts_ms);
}

function lastAtOrBefore(starts: readonly number[], ts_ms: number): number | undefined {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? Infinity) <= ts_ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return starts[low - 1];
}

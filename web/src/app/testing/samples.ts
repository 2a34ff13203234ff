import { Candle, ExecutionSummary, PipelineSummary, Snapshot } from '../data/models';

const AT = '2026-01-05T12:00:00Z';

export function aPipeline(more: Partial<PipelineSummary> = {}): PipelineSummary {
  return {
    agent_types: [],
    created_at: AT,
    description: '',
    executions: 0,
    id: 'p1',
    last_execution: null,
    name: 'Breakout',
    primary_timeframe: '1m',
    state: 'active',
    symbols: ['BINANCE:BTCUSDT'],
    trigger_type: 'price_trigger',
    trigger_version: 1,
    trigger_words: 'fires when price crosses above 64000',
    triggers: [],
    updated_at: AT,
    version: 1,
    ...more,
  };
}

export function anExecution(more: Partial<ExecutionSummary> = {}): ExecutionSummary {
  return {
    attempt: 1,
    created_at: AT,
    current_step: '',
    error: '',
    finished_at: null,
    fired_ms: Date.parse(AT),
    firing_id: 'f1',
    id: 'e1',
    kind: 'tick',
    pipeline_id: 'p1',
    pipeline_name: 'Breakout',
    pipeline_version: 1,
    price: 64000.5,
    reason: '',
    report_id: null,
    started_at: AT,
    status: 'running',
    steps_done: 2,
    steps_total: 7,
    symbol: 'BINANCE:BTCUSDT',
    total_cost_usd: '0.0018',
    trigger_version: 1,
    ...more,
  };
}

export function aCandle(ts_ms: number, close: number, values: Candle['values'] = {}): Candle {
  return { ts_ms, open: close, high: close, low: close, close, volume: 1, vwap: close, trades: 1, values };
}

export function aSnapshot(ts_ms: number, price: number): Snapshot {
  const start = Math.floor(ts_ms / 60_000) * 60_000;
  return {
    symbol: 'AAPL',
    ts_ms,
    price,
    feed: 'simulator',
    health: 'live',
    candles: { '1m': aCandle(start, price) },
    values: { 'EMA_20@1m': price - 1, 'RSI_14@5m': 50 },
  };
}

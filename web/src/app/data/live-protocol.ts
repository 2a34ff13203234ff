import { Candle, JsonRecord, LiveEvent, Snapshot, Timeframe, TIMEFRAMES } from './models';
import { list, number, record, text } from './reading';

/** What the server says on the socket. */
export type ServerMessage =
  | { type: 'hello'; seq: number }
  | { type: 'event'; event: LiveEvent }
  | { type: 'market'; snapshots: Snapshot[] }
  | { type: 'health'; body: JsonRecord }
  | { type: 'other' };

/** Reads one frame. One we cannot read is `other`: the link goes on with the next. */
export function readMessage(frame: string): ServerMessage {
  let body: JsonRecord;
  try {
    body = record(JSON.parse(frame));
  } catch {
    return { type: 'other' };
  }
  switch (body['type']) {
    case 'hello':
      return { type: 'hello', seq: number(body['seq']) ?? 0 };
    case 'event': {
      const event = readEvent(body);
      return event ? { type: 'event', event } : { type: 'other' };
    }
    case 'market':
      return { type: 'market', snapshots: list(body['snapshots']).map(readSnapshot) };
    case 'health':
      return { type: 'health', body };
    default:
      return { type: 'other' };
  }
}

const ENVELOPE = new Set(['type', 'seq', 'event', 'execution_id', 'pipeline_id', 'user_id', 'at', 'payload']);

/** Reads one event of the log; its payload may be nested or lie beside the envelope. */
export function readEvent(value: unknown): LiveEvent | undefined {
  const body = record(value);
  const seq = number(body['seq']);
  if (seq === null) {
    return undefined;
  }
  const beside = Object.fromEntries(Object.entries(body).filter(([key]) => !ENVELOPE.has(key)));
  return {
    seq,
    event: text(body['event']),
    execution_id: text(body['execution_id']) || null,
    pipeline_id: text(body['pipeline_id']) || null,
    at: text(body['at']),
    payload: { ...beside, ...record(body['payload']) },
  };
}

function numbers(value: unknown): Record<string, number | null> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, entry]) => [key, number(entry)]));
}

/** Reads a candle; undefined when it has no start or no close. */
export function readCandle(value: unknown): Candle | undefined {
  const body = record(value);
  const ts_ms = number(body['ts_ms']);
  const close = number(body['close']);
  if (ts_ms === null || close === null) {
    return undefined;
  }
  return {
    ts_ms,
    open: number(body['open']) ?? close,
    high: number(body['high']) ?? close,
    low: number(body['low']) ?? close,
    close,
    volume: number(body['volume']) ?? 0,
    vwap: number(body['vwap']),
    trades: number(body['trades']) ?? 0,
    values: numbers(body['values']),
  };
}

export function readSnapshot(value: unknown): Snapshot {
  const body = record(value);
  const candles: Partial<Record<Timeframe, Candle>> = {};
  const forming = record(body['candles']);
  for (const timeframe of TIMEFRAMES) {
    const candle = readCandle(forming[timeframe]);
    if (candle) {
      candles[timeframe] = candle;
    }
  }
  return {
    symbol: text(body['symbol']),
    ts_ms: number(body['ts_ms']) ?? 0,
    price: number(body['price']),
    feed: text(body['feed']),
    health: text(body['health']),
    candles,
    values: numbers(body['values']),
  };
}

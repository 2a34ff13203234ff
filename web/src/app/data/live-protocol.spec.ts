import { readEvent, readMessage, readSnapshot } from './live-protocol';

describe('readMessage', () => {
  it('reads greeting, event and market frames', () => {
    expect(readMessage('{"type":"hello","seq":7}')).toEqual({ type: 'hello', seq: 7 });
    const message = readMessage('{"type":"market","snapshots":[{"symbol":"AAPL","ts_ms":1,"price":2.5}]}');
    expect(message).toMatchObject({ type: 'market', snapshots: [{ symbol: 'AAPL', price: 2.5 }] });
  });

  it('goes on after a frame it cannot read', () => {
    expect(readMessage('not json')).toEqual({ type: 'other' });
    expect(readMessage('[1]')).toEqual({ type: 'other' });
    expect(readMessage('{"type":"event","event":"no number"}')).toEqual({ type: 'other' });
  });
});

describe('readEvent', () => {
  it('takes the payload nested or beside the envelope', () => {
    const nested = readEvent({ seq: 1, event: 'agent_completed', payload: { node_id: 'n' } });
    const flat = readEvent({ seq: 1, event: 'agent_completed', node_id: 'n', user_id: 'u' });
    expect(nested?.payload).toEqual({ node_id: 'n' });
    expect(flat).toEqual(nested);
  });
});

describe('readSnapshot', () => {
  it('keeps the candles it knows and drops broken ones', () => {
    const snapshot = readSnapshot({
      symbol: 'AAPL',
      candles: { '1m': { ts_ms: 60_000, close: 2 }, '5m': { close: 2 }, '7m': { ts_ms: 1, close: 1 } },
      values: { 'RSI_14@5m': null, 'SMA_20@1m': '12.5' },
    });
    expect(Object.keys(snapshot.candles)).toEqual(['1m']);
    expect(snapshot.candles['1m']).toMatchObject({ open: 2, high: 2, volume: 0 });
    expect(snapshot.values).toEqual({ 'RSI_14@5m': null, 'SMA_20@1m': 12.5 });
  });
});

import { TriggerStatus } from '../data/models';
import { marksOf } from './trigger-states';

function trigger(symbol: string, state: string, missing_candles = 0): TriggerStatus {
  return { symbol, state, missing_candles, detail: '', health: 'live', last_fired_ms: null };
}

describe('marksOf', () => {
  it('says how many candles a warming trigger is missing', () => {
    const marks = marksOf({ state: 'active', triggers: [trigger('AAPL', 'warming', 12)] });
    expect(marks).toEqual([{ state: 'warming', text: 'Warming, 12 candles missing' }]);
  });

  it('names the symbols when they differ', () => {
    const triggers = [trigger('BINANCE:BTCUSDT', 'armed'), trigger('BINANCE:ETHUSDT', 'cooldown')];
    expect(marksOf({ state: 'active', triggers }).map(({ text }) => text)).toEqual([
      'BTCUSDT armed',
      'ETHUSDT cooldown',
    ]);
  });

  it('says paused whatever the triggers said last', () => {
    const marks = marksOf({ state: 'paused', triggers: [trigger('AAPL', 'armed')] });
    expect(marks).toEqual([{ state: 'paused', text: 'Paused' }]);
  });
});

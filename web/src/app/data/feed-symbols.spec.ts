import { readFeed } from './feed-symbols';

const HEALTH = {
  feed: {
    state: 'live',
    sentence: 'connected to finnhub',
    halts: 'Halts are not seen.',
    symbols: [
      { symbol: 'AAPL', state: 'live', since_ms: 5, reason: 'trades are coming in' },
      { symbol: 'MSFT', state: 'stale', since_ms: 6, reason: 'mute: its triggers rest' },
      { symbol: 'TSLA', state: 'disconnected', since_ms: 7, reason: 'waiting for a slot' },
    ],
    waiting: [{ symbol: 'TSLA', reason: 'limit', since_ms: 7, sentence: 'waiting for a slot' }],
    capabilities: [
      { feature: 'stock_candle', state: 'refused' },
      { feature: 'quote', state: 'allowed' },
    ],
  },
};

describe('readFeed', () => {
  it('shows the symbols that need a look first, and which wait for a slot', () => {
    const feed = readFeed(HEALTH);
    expect(feed.symbols.map(({ symbol, state }) => [symbol, state])).toEqual([
      ['TSLA', 'waiting_for_slot'],
      ['MSFT', 'stale'],
      ['AAPL', 'live'],
    ]);
    expect(feed.refused).toEqual(['stock_candle']);
    expect(feed.halts).toBe('Halts are not seen.');
  });

  it('is empty where nothing is known', () => {
    expect(readFeed(null)).toEqual({ state: '', sentence: '', halts: '', symbols: [], refused: [] });
  });
});

import { TestBed } from '@angular/core/testing';

import { provideFakeBackend } from '../testing/fake-backend';
import { FakeServer } from '../testing/fake-socket';
import { aCandle, aSnapshot } from '../testing/samples';
import { LiveLink } from './live-link';
import { MarketStore } from './market.store';
import { Candle } from './models';

async function setUp() {
  const asked: string[] = [];
  const server = new FakeServer();
  const listCandles = (symbol: string, timeframe: string): Promise<Candle[]> => {
    asked.push(`${symbol} ${timeframe}`);
    return Promise.resolve([aCandle(0, 10, { EMA_20: 9 }), aCandle(60_000, 11, { EMA_20: 10 })]);
  };
  TestBed.configureTestingModule({
    providers: [
      server.provider,
      provideFakeBackend({
        listCandles,
        readSnapshots: () => Promise.resolve([]),
        listSymbols: () => Promise.resolve([]),
      }),
    ],
  });
  const store = TestBed.inject(MarketStore);
  TestBed.inject(LiveLink).start();
  server.last.say({ type: 'hello', seq: 1 });
  store.show('AAPL', '1m');
  await vi.advanceTimersByTimeAsync(0);
  return { store, server, asked };
}

describe('MarketStore', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks for the frames of the symbol it shows', async () => {
    const { server } = await setUp();
    expect(JSON.parse(server.last.sent.at(-1) ?? '')).toMatchObject({ symbols: ['AAPL'] });
  });

  it('paints at most five times a second, the newest price last', async () => {
    const { store, server } = await setUp();
    server.last.say({ type: 'market', snapshots: [aSnapshot(120_100, 12)] });
    server.last.say({ type: 'market', snapshots: [aSnapshot(120_200, 13)] });
    expect(store.current()).toBeUndefined();
    vi.advanceTimersByTime(200);
    expect(store.current()?.price).toBe(13);
    store.takeSnapshots([aSnapshot(120_150, 12.5)]);
    expect(store.current()?.price).toBe(13);
  });

  it('gives the forming candle the values of its timeframe', async () => {
    const { store } = await setUp();
    store.takeSnapshots([aSnapshot(120_100, 12)]);
    expect(store.forming()).toMatchObject({ ts_ms: 120_000, close: 12, values: { EMA_20: 11 } });
    expect(store.columns()).toEqual(['EMA_20']);
  });

  it('reads the candles again once one has closed', async () => {
    const { store, asked } = await setUp();
    store.takeSnapshots([aSnapshot(120_100, 12)]);
    expect(asked).toEqual(['AAPL 1m']);
    store.takeSnapshots([aSnapshot(180_100, 12)]);
    await vi.advanceTimersByTimeAsync(4000);
    expect(asked).toEqual(['AAPL 1m', 'AAPL 1m']);
  });

  it('keeps the timeframe when another symbol is shown, and takes 1m for one it does not know', async () => {
    const { store } = await setUp();
    store.show('MSFT', '5m');
    store.show('NVDA');
    expect(store.view()).toMatchObject({ symbol: 'NVDA', timeframe: '5m' });
    store.show('NVDA', '7m');
    expect(store.view()?.timeframe).toBe('5m');
  });
});

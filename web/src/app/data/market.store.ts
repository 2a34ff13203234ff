import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { filter } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { Candle, Snapshot, MarketSymbol, Timeframe, TIMEFRAMES } from './models';
import { describeProblem } from './problem';

/** What a chart shows: one symbol at one timeframe with lines. */
export interface ChartView {
  symbol: string;
  timeframe: Timeframe;
  indicators: readonly string[];
}

interface MarketState {
  symbols: Loadable<MarketSymbol[]>;
  snapshots: Record<string, Snapshot>;
  view: ChartView | undefined;
  candles: Loadable<Candle[]>;
}

/** Prices are painted at most this often. */
const PAINT_MS = 200;
const SHOWN = 300;
const FIRST_INDICATORS: readonly string[] = ['EMA_20', 'RSI_14'];
const CLOSED_AFTER_MS = 3500;

/** Live prices, and the candles of the chart that is shown. */
export const MarketStore = signalStore(
  { providedIn: 'root' },
  withState<MarketState>({ symbols: notLoaded(), snapshots: {}, view: undefined, candles: notLoaded() }),
  withComputed(({ snapshots, view }) => ({
    /** The snapshot of the symbol in view. */
    current: computed<Snapshot | undefined>(() => snapshots()[view()?.symbol ?? '']),
  })),
  withComputed(({ current, view, candles }) => ({
    /** The columns that the candles carry values of. */
    columns: computed(() => Object.keys(candles().value?.at(-1)?.values ?? {}), { equal: areSame }),
    /** The forming candle of the view, with its indicator values. */
    forming: computed<Candle | undefined>(() => {
      const timeframe = view()?.timeframe;
      const candle = timeframe && current()?.candles[timeframe];
      return candle ? { ...candle, values: formingValues(current(), timeframe) } : undefined;
    }),
  })),
  withMethods((store, backend = inject(Backend), link = inject(LiveLink)) => {
    let closing: ReturnType<typeof setTimeout> | undefined;

    async function loadCandles(): Promise<void> {
      const view = store.view();
      if (!view) {
        return;
      }
      patchState(store, { candles: loading(store.candles()) });
      try {
        const candles = await backend.listCandles(view.symbol, view.timeframe, SHOWN, view.indicators);
        if (store.view() === view) {
          patchState(store, { candles: loaded(candles) });
        }
      } catch (error) {
        if (store.view() === view) {
          patchState(store, { candles: failed(store.candles(), describeProblem('load candles', error)) });
        }
      }
    }

    async function loadSnapshots(): Promise<void> {
      const view = store.view();
      if (view) {
        try {
          takeSnapshots(await backend.readSnapshots([view.symbol]));
        } catch {
          // The chip says that the server does not answer; the last price stays with its time.
        }
      }
    }

    function takeSnapshots(snapshots: readonly Snapshot[]): void {
      const forming = store.forming()?.ts_ms;
      const next = { ...store.snapshots() };
      for (const snapshot of snapshots) {
        if (snapshot.ts_ms >= (next[snapshot.symbol]?.ts_ms ?? 0)) {
          next[snapshot.symbol] = snapshot;
        }
      }
      patchState(store, { snapshots: next });
      if (forming !== undefined && store.forming()?.ts_ms !== forming) {
        // A candle ended: what it closed with, late trades included, is known after the grace.
        clearTimeout(closing);
        closing = setTimeout(() => void loadCandles(), CLOSED_AFTER_MS);
      }
    }

    function setView(view: ChartView): void {
      const before = store.view();
      const isSame = before?.symbol === view.symbol && before.timeframe === view.timeframe;
      patchState(store, { view, candles: isSame ? store.candles() : notLoaded() });
      link.watch([view.symbol]);
      void loadCandles();
      void loadSnapshots();
    }

    return {
      loadCandles,
      loadSnapshots,
      takeSnapshots,

      async loadSymbols(): Promise<void> {
        patchState(store, { symbols: loading(store.symbols()) });
        try {
          patchState(store, { symbols: loaded(await backend.listSymbols()) });
        } catch (error) {
          patchState(store, { symbols: failed(store.symbols(), describeProblem('load symbols', error)) });
        }
      },

      /** Shows a symbol: its candles, then what is forming. An unknown timeframe becomes the one before, or 1m. */
      show(symbol: string, timeframe?: string): void {
        const before = store.view();
        const known = TIMEFRAMES.find((one) => one === timeframe) ?? before?.timeframe ?? '1m';
        setView({ symbol, timeframe: known, indicators: before?.indicators ?? FIRST_INDICATORS });
      },

      /** Draws other indicators on what is shown. */
      showIndicators(indicators: readonly string[]): void {
        const view = store.view();
        if (view) {
          setView({ ...view, indicators });
        }
      },
    };
  }),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      let waiting: Snapshot[] = [];
      let timer: ReturnType<typeof setTimeout> | undefined;
      link.market.pipe(takeUntilDestroyed(destroyed)).subscribe((snapshots) => {
        waiting.push(...snapshots);
        timer ??= setTimeout(() => {
          timer = undefined;
          store.takeSnapshots(waiting);
          waiting = [];
        }, PAINT_MS);
      });
      link.polls.pipe(takeUntilDestroyed(destroyed)).subscribe(() => void store.loadSnapshots());
      link.resumes
        .pipe(
          filter(() => store.candles().loadedAt !== undefined),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.loadCandles());
    },
  }),
);

/** The values of one timeframe, by column: `RSI_14@5m` → `RSI_14`. */
function formingValues(snapshot: Snapshot | undefined, timeframe: Timeframe): Record<string, number | null> {
  const values: Record<string, number | null> = {};
  for (const [key, value] of Object.entries(snapshot?.values ?? {})) {
    const at = key.lastIndexOf('@');
    if (key.slice(at + 1) === timeframe) {
      values[key.slice(0, at)] = value;
    }
  }
  return values;
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, index) => entry === b[index]);
}

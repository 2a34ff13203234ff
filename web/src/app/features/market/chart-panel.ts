import { Component, computed, inject, linkedSignal, signal } from '@angular/core';
import { Router } from '@angular/router';

import { ExecutionsStore } from '../../data/executions.store';
import { FiringsStore } from '../../data/firings.store';
import { MarketStore } from '../../data/market.store';
import { Timeframe, TIMEFRAMES } from '../../data/models';
import { Now } from '../../data/now';
import { CandleChart } from '../../ui/candle-chart/candle-chart';
import { Change } from '../../ui/change';
import { ContentState } from '../../ui/content-state';
import { formatClock, formatPercentChange, formatPrice, shortSymbol } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { StateMark } from '../../ui/state-mark';
import { CandleTable } from './candle-table';
import { firedOf } from './fired';
import { PriceTint } from './price-tint';

/** Indicators one can draw, as one asks the API for them. */
const INDICATORS: readonly { name: string; columns: readonly string[] }[] = [
  { name: 'EMA 20', columns: ['EMA_20'] },
  { name: 'SMA 50', columns: ['SMA_50'] },
  { name: 'Bands', columns: ['BBANDS_20_2.upper', 'BBANDS_20_2.lower'] },
  { name: 'RSI', columns: ['RSI_14'] },
  { name: 'MACD', columns: ['MACD_12_26_9.line', 'MACD_12_26_9.signal'] },
];

/** A price not heard of for this long is called stale while the link is there. */
const STALE_MS = 15_000;

/** One symbol, live: its price, its candles, its indicators, where triggers fired. */
@Component({
  selector: 'tw-chart-panel',
  imports: [CandleChart, CandleTable, Change, ContentState, Icon, PriceTint, StateMark],
  templateUrl: './chart-panel.html',
  styleUrl: './chart-panel.css',
})
export class ChartPanel {
  private readonly router = inject(Router);
  private readonly firings = inject(FiringsStore);
  private readonly executions = inject(ExecutionsStore);
  private readonly now = inject(Now);
  protected readonly market = inject(MarketStore);

  protected readonly timeframes = TIMEFRAMES;
  protected readonly indicators = INDICATORS;
  protected readonly isTable = signal(false);

  protected readonly view = this.market.view;
  protected readonly symbols = computed(() => {
    const symbols = (this.market.symbols().value ?? []).map(({ symbol }) => symbol);
    const shown = this.view()?.symbol;
    return shown && !symbols.includes(shown) ? [shown, ...symbols] : symbols;
  });
  protected readonly chosen = linkedSignal(() => new Set(this.view()?.indicators ?? []));
  protected readonly candles = computed(() => this.market.candles().value ?? []);
  protected readonly label = computed(() => {
    const view = this.view();
    return view ? `${shortSymbol(view.symbol)}, ${view.timeframe} candles, last ${this.price()}` : 'No symbol';
  });
  protected readonly price = computed(() => formatPrice(this.market.current()?.price));
  protected readonly dayChange = computed(() => {
    const snapshot = this.market.current();
    const open = snapshot?.candles['1d']?.open;
    const ratio = open && snapshot.price !== null ? snapshot.price / open - 1 : undefined;
    return { ratio, text: formatPercentChange(ratio) };
  });
  protected readonly marks = computed(() => {
    const symbol = this.view()?.symbol;
    return firedOf(this.firings.all(), this.executions.all()).filter((fired) => fired.symbol === symbol);
  });
  protected readonly feed = computed(() => {
    const snapshot = this.market.current();
    if (!snapshot) {
      return { state: 'waiting', text: 'No trade yet' };
    }
    const isStale = snapshot.health !== 'live' || this.now.ms() - snapshot.ts_ms > STALE_MS;
    const state = snapshot.health === 'live' && isStale ? 'stale' : snapshot.health || 'live';
    const since = isStale ? ` since ${formatClock(snapshot.ts_ms)}` : '';
    return { state, text: `${snapshot.feed} ${state}${since}` };
  });

  protected name(symbol: string): string {
    return shortSymbol(symbol);
  }

  protected isChosen(columns: readonly string[]): boolean {
    return columns.every((column) => this.chosen().has(column));
  }

  protected toggle(columns: readonly string[]): void {
    const chosen = new Set(this.chosen());
    const isOn = this.isChosen(columns);
    for (const column of columns) {
      if (isOn) {
        chosen.delete(column);
      } else {
        chosen.add(column);
      }
    }
    this.market.showIndicators([...chosen]);
  }

  protected showSymbol(symbol: string): void {
    this.goTo({ symbol });
  }

  protected showTimeframe(timeframe: Timeframe): void {
    this.goTo({ timeframe });
  }

  private goTo(queryParams: { symbol?: string; timeframe?: string }): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
}

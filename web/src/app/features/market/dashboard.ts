import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';

import { AccountStore } from '../../data/account.store';
import { CostsStore } from '../../data/costs.store';
import { ExecutionsStore } from '../../data/executions.store';
import { FiringsStore } from '../../data/firings.store';
import { MarketStore } from '../../data/market.store';
import { Now } from '../../data/now';
import { PipelinesStore } from '../../data/pipelines.store';
import { Change } from '../../ui/change';
import { ContentState } from '../../ui/content-state';
import { formatDecimal, formatUsd } from '../../ui/decimal';
import { ExecutionTable } from '../../ui/execution-table';
import { Figure } from '../../ui/figure';
import { ActivePipelines } from './active-pipelines';
import { ChartPanel } from './chart-panel';
import { firedOf } from './fired';
import { LatestFirings } from './latest-firings';

const LATEST = 12;
/** As many firings are read; a day may have more. */
const MOST = 200;

/** What happens now: the account, one chart, the pipelines that watch, what they started. */
@Component({
  selector: 'tw-dashboard',
  imports: [ActivePipelines, Change, ChartPanel, ContentState, ExecutionTable, Figure, LatestFirings, RouterLink],
  templateUrl: './dashboard.html',
  styleUrl: './dashboard.css',
})
export class Dashboard {
  private readonly pipelines = inject(PipelinesStore);
  private readonly firings = inject(FiringsStore);
  private readonly now = inject(Now);
  protected readonly market = inject(MarketStore);
  protected readonly accounts = inject(AccountStore);
  protected readonly costs = inject(CostsStore);
  protected readonly executions = inject(ExecutionsStore);

  /** From the address: the symbol of the chart. */
  readonly symbol = input<string>();
  /** From the address: its timeframe. */
  readonly timeframe = input<string>();

  /** The symbol asked for, else that of the first active pipeline, else the first one there is. */
  protected readonly shownSymbol = computed(() => {
    const { value, problem } = this.pipelines.list();
    const isSettled = value !== undefined || problem !== undefined;
    const first = this.pipelines.active()[0]?.symbols[0] ?? this.market.symbols().value?.[0]?.symbol;
    return this.symbol() ?? (isSettled ? first : undefined);
  });
  protected readonly latest = computed(() => this.executions.all().slice(0, LATEST));

  protected readonly equity = computed(() => {
    const account = this.accounts.account();
    return {
      value: formatUsd(account?.equity_usd),
      pnl: account ? Number(account.pnl_usd) : undefined,
      pnlText: formatDecimal(account?.pnl_usd, { places: 2, unit: '$', isSigned: true }),
    };
  });
  protected readonly positions = computed(() => {
    const holdings = this.accounts.holdings().value;
    const open = (holdings?.items ?? []).filter(({ quantity }) => Number(quantity) !== 0);
    const symbols = open.map(({ symbol }) => symbol.slice(symbol.indexOf(':') + 1));
    return { value: holdings ? String(open.length) : '—', names: symbols.join(', ') || 'No open position' };
  });
  protected readonly today = computed(() => {
    const isKnown = this.firings.list().value !== undefined;
    const known = firedOf(this.firings.all(), this.executions.all());
    const midnight = new Date(this.now.ms()).setHours(0, 0, 0, 0);
    const fired = known.filter(({ ts_ms }) => ts_ms >= midnight);
    const isMore =
      fired.length > 0 && this.firings.all().every(({ ts_ms }) => ts_ms >= midnight) && fired.length >= MOST;
    const started = fired.filter(({ executionId }) => executionId).length;
    return { value: isKnown ? `${fired.length}${isMore ? '+' : ''}` : '—', started };
  });
  protected readonly budget = computed(() => {
    const budget = this.costs.budget();
    const spent = Number(budget?.spent_today_usd ?? 0);
    const limit = Number(budget?.daily_limit_usd ?? 0);
    return {
      value: formatUsd(budget?.spent_today_usd),
      limit: formatUsd(budget?.daily_limit_usd),
      share: limit ? Math.min(1, spent / limit) : 0,
    };
  });

  constructor() {
    void this.market.loadSymbols();
    void this.firings.load();
    void this.accounts.load();
    void this.costs.load('day');
    void this.executions.load({ limit: 50 });
    effect(() => {
      const symbol = this.shownSymbol();
      if (symbol) {
        const timeframe = this.timeframe();
        untracked(() => this.market.show(symbol, timeframe));
      }
    });
  }
}

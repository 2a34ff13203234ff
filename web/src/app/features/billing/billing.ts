import { Component, computed, inject } from '@angular/core';

import { CostsStore } from '../../data/costs.store';
import { CostGroup } from '../../data/models';
import { ContentState } from '../../ui/content-state';
import { DayBars } from '../../ui/day-bars';
import { formatUsd } from '../../ui/decimal';
import { Figure } from '../../ui/figure';
import { formatNumber } from '../../ui/format';

const GROUPS: readonly { group: Exclude<CostGroup, 'day'>; title: string; head: string }[] = [
  { group: 'agent', title: 'By agent', head: 'Agent' },
  { group: 'model', title: 'By model', head: 'Model' },
  { group: 'pipeline', title: 'By pipeline', head: 'Pipeline' },
];

/** What the executions of the last thirty days cost. */
@Component({
  selector: 'tw-billing',
  imports: [ContentState, DayBars, Figure],
  templateUrl: './billing.html',
  styleUrl: './billing.css',
})
export class Billing {
  protected readonly store = inject(CostsStore);

  protected readonly days = computed(() => this.store.day().value);
  protected readonly until = computed(() => (this.days()?.to_at ?? new Date().toISOString()).slice(0, 10));
  protected readonly figures = computed(() => {
    const budget = this.store.budget();
    return {
      today: formatUsd(budget?.spent_today_usd),
      left: formatUsd(budget?.left_today_usd),
      limit: formatUsd(budget?.daily_limit_usd),
      total: formatUsd(this.days()?.total_usd),
    };
  });
  protected readonly groups = computed(() =>
    GROUPS.map(({ group, title, head }) => {
      const content = this.store[group]();
      const most = Math.max(...(content.value?.items ?? []).map(({ amount_usd }) => Number(amount_usd)), 0);
      const rows = (content.value?.items ?? []).map((line) => ({
        key: line.key,
        label: line.label || line.key || 'none',
        amount: formatUsd(line.amount_usd, 4),
        calls: formatNumber(line.calls, 0),
        tokens: formatNumber(line.input_tokens + line.output_tokens, 0),
        share: most ? Number(line.amount_usd) / most : 0,
      }));
      // ContentState asks for emptiness of a list.
      return { group, title, head, rows, content: { ...content, value: content.value?.items } };
    }),
  );

  constructor() {
    for (const group of ['day', 'agent', 'model', 'pipeline'] as const) {
      void this.store.load(group);
    }
  }
}

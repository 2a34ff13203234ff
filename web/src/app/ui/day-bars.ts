import { Component, computed, input } from '@angular/core';

import { CostLine } from '../data/models';
import { formatUsd } from './decimal';

const DAY_MS = 86_400_000;

/** Costs of the last days as columns, one a day, days without any included. */
@Component({
  selector: 'tw-day-bars',
  template: `
    <div class="bars" role="img" [attr.aria-label]="said()">
      @for (bar of bars(); track bar.day) {
        <div class="bar" [title]="bar.title"><i [style.height.%]="bar.share * 100"></i></div>
      }
    </div>
    <div class="axis hint" aria-hidden="true">
      <span>{{ bars()[0]?.label }}</span><span>most: {{ most() }}</span
      ><span>today</span>
    </div>
  `,
  styles: `
    .bars {
      display: flex;
      gap: 2px;
      align-items: flex-end;
      height: 96px;
    }
    .bar {
      display: flex;
      flex: 1 1 0;
      align-items: flex-end;
      height: 100%;
      border-radius: 2px;
      background: var(--bg-2);
    }
    .bar:hover {
      background: var(--bg-3);
    }
    i {
      width: 100%;
      min-height: 0;
      border-radius: 2px;
      background: var(--accent);
    }
    .axis {
      display: flex;
      justify-content: space-between;
      padding-top: 4px;
      font-size: 12px;
    }
  `,
})
export class DayBars {
  readonly lines = input.required<readonly CostLine[]>();
  /** Last day, `2026-01-31`, UTC. */
  readonly until = input.required<string>();
  readonly days = input(30);

  protected readonly bars = computed(() => barsOf(this.lines(), this.until(), this.days()));
  protected readonly most = computed(() => {
    const [first] = [...this.bars()].sort((a, b) => b.share - a.share);
    return first?.amount ?? '';
  });
  protected readonly said = computed(
    () =>
      `Cost by day: ${
        this.bars()
          .filter(({ share }) => share > 0)
          .map(({ title }) => title)
          .join(', ') || 'none'
      }`,
  );
}

export function barsOf(lines: readonly CostLine[], until: string, days: number) {
  const byDay = new Map(lines.map(({ key, amount_usd }) => [key, amount_usd]));
  const last = Date.parse(`${until}T00:00:00Z`);
  const most = Math.max(...lines.map(({ amount_usd }) => Number(amount_usd)), 0);
  return Array.from({ length: days }, (_, index) => {
    const day = new Date(last - (days - 1 - index) * DAY_MS).toISOString().slice(0, 10);
    const value = byDay.get(day) ?? '0';
    const label = `${day.slice(8)}.${day.slice(5, 7)}.`;
    return {
      day,
      label,
      amount: formatUsd(value),
      title: `${day} ${formatUsd(value)}`,
      share: most ? Number(value) / most : 0,
    };
  });
}

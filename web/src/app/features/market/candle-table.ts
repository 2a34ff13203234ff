import { Component, computed, input } from '@angular/core';

import { Candle } from '../../data/models';
import { formatNumber, formatVolume, pricePlaces, zoneName } from '../../ui/format';
import { TimeMark } from '../../ui/time-mark';

const SHOWN = 60;

/** The chart's values as a table, newest first. */
@Component({
  selector: 'tw-candle-table',
  imports: [TimeMark],
  template: `
    <div class="scroll" tabindex="0" role="region" aria-label="Candles">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Start ({{ zone }})</th>
            <th scope="col" class="num">Open</th>
            <th scope="col" class="num">High</th>
            <th scope="col" class="num">Low</th>
            <th scope="col" class="num">Close</th>
            <th scope="col" class="num">Volume</th>
            @for (column of columns(); track column) {
              <th scope="col" class="num">{{ column }}</th>
            }
          </tr>
        </thead>
        <tbody>
          @for (row of rows(); track row.at) {
            <tr>
              <td><tw-time [at]="row.at" /></td>
              @for (price of row.prices; track $index) {
                <td class="num">{{ price }}</td>
              }
              <td class="num">{{ row.volume }}</td>
              @for (value of row.values; track $index) {
                <td class="num">{{ value }}</td>
              }
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
  styles: `
    :host {
      display: flex;
      margin-top: 8px;
      border-top: 1px solid var(--line);
    }
    .scroll {
      flex: 1 1 auto;
    }
  `,
})
export class CandleTable {
  readonly candles = input.required<readonly Candle[]>();
  readonly forming = input<Candle>();
  readonly columns = input<readonly string[]>([]);

  protected readonly zone = zoneName();
  protected readonly rows = computed(() => {
    const forming = this.forming();
    const newest = [...this.candles().slice(-SHOWN)].reverse();
    const all = forming && forming.ts_ms > (newest[0]?.ts_ms ?? 0) ? [forming, ...newest] : newest;
    return all.map((candle) => {
      const places = pricePlaces(candle.close);
      return {
        at: candle.ts_ms,
        prices: [candle.open, candle.high, candle.low, candle.close].map((price) => formatNumber(price, places)),
        volume: formatVolume(candle.volume),
        values: this.columns().map((column) => formatNumber(candle.values[column], 2)),
      };
    });
  });
}

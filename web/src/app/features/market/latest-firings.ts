import { Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';

import { FiringsStore } from '../../data/firings.store';
import { ContentState } from '../../ui/content-state';
import { formatPrice, shortSymbol } from '../../ui/format';
import { TimeMark } from '../../ui/time-mark';

const SHOWN = 14;

/** The newest firings, each leading to the execution it started. */
@Component({
  selector: 'tw-latest-firings',
  imports: [ContentState, RouterLink, TimeMark],
  template: `
    <section class="panel" aria-labelledby="firings-title">
      <header><h2 id="firings-title">Latest firings</h2></header>
      <tw-content-state [content]="store.list()" empty="No trigger has fired yet." (retry)="store.load()" />
      @if (rows().length) {
        <div class="scroll" tabindex="0" role="region" aria-label="Latest firings">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Symbol</th>
                <th scope="col">Pipeline</th>
                <th scope="col" class="num">Price</th>
                <th scope="col" class="num">Fired</th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.id) {
                <tr>
                  <td>
                    @if (row.executionId) {
                      <a [routerLink]="['/executions', row.executionId]">{{ row.symbol }}</a>
                    } @else {
                      {{ row.symbol }}
                    }
                  </td>
                  <td class="wide muted" [title]="row.pipeline">{{ row.pipeline }}</td>
                  <td class="num">{{ row.price }}</td>
                  <td class="num muted"><tw-time [at]="row.at" /></td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }
    </section>
  `,
})
export class LatestFirings {
  protected readonly store = inject(FiringsStore);
  protected readonly rows = computed(() =>
    this.store
      .all()
      .slice(0, SHOWN)
      .map((firing) => ({
        id: firing.firing_id,
        symbol: shortSymbol(firing.symbol),
        pipeline: firing.pipeline_name,
        executionId: firing.execution_id,
        price: formatPrice(firing.price),
        at: firing.decided_ms,
      })),
  );
}

import { Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';

import { ExecutionsStore } from '../../data/executions.store';
import { FiringsStore } from '../../data/firings.store';
import { ContentState } from '../../ui/content-state';
import { formatPrice, shortSymbol } from '../../ui/format';
import { TimeMark } from '../../ui/time-mark';
import { firedOf } from './fired';

const SHOWN = 14;

/** The newest firings, each leading to the execution it started. */
@Component({
  selector: 'tw-latest-firings',
  imports: [ContentState, RouterLink, TimeMark],
  template: `
    <section class="panel" aria-labelledby="firings-title">
      <header><h2 id="firings-title">Latest firings</h2></header>
      <tw-content-state [content]="content()" empty="No trigger has fired yet." (retry)="store.load()" />
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
                      <a [routerLink]="['/executions', row.executionId]">{{ row.name }}</a>
                    } @else {
                      {{ row.name }}
                    }
                  </td>
                  <td class="wide muted" [title]="row.pipelineName">{{ row.pipelineName }}</td>
                  <td class="num">{{ row.shownPrice }}</td>
                  <td class="num muted"><tw-time [at]="row.ts_ms" /></td>
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
  private readonly executions = inject(ExecutionsStore);
  protected readonly store = inject(FiringsStore);
  protected readonly rows = computed(() =>
    firedOf(this.store.all(), this.executions.all())
      .slice(0, SHOWN)
      .map((fired) => ({ ...fired, name: shortSymbol(fired.symbol), shownPrice: formatPrice(fired.price) })),
  );
  /** What the history has, or what executions tell before it. */
  protected readonly content = computed(() => ({
    ...this.store.list(),
    value: this.store.list().value && this.rows(),
  }));
}

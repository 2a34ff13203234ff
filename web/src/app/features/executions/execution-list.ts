import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { Router } from '@angular/router';

import { ExecutionsStore } from '../../data/executions.store';
import { ExecutionStatus } from '../../data/models';
import { PipelinesStore } from '../../data/pipelines.store';
import { ContentState } from '../../ui/content-state';
import { ExecutionTable } from '../../ui/execution-table';
import { stateWord } from '../../ui/states';

const STATUSES: readonly ExecutionStatus[] = [
  'queued',
  'running',
  'waiting_approval',
  'completed',
  'failed',
  'cancelled',
  'suppressed',
];
const SHOWN = 100;

/** The latest executions, by state and pipeline; the address holds the filters. */
@Component({
  selector: 'tw-execution-list',
  imports: [ContentState, ExecutionTable],
  template: `
    <div class="page">
      <section class="panel" aria-labelledby="list-title">
        <header>
          <h2 id="list-title">Executions</h2>
          <div class="filters">
            <select #state aria-label="State" (change)="filter({ status: state.value || null })">
              <option value="" [selected]="!status()">All states</option>
              @for (one of statuses; track one.value) {
                <option [value]="one.value" [selected]="one.value === status()">{{ one.word }}</option>
              }
            </select>
            <select #pipe aria-label="Pipeline" (change)="filter({ pipeline: pipe.value || null })">
              <option value="" [selected]="!pipeline()">All pipelines</option>
              @for (one of pipelines.all(); track one.id) {
                <option [value]="one.id" [selected]="one.id === pipeline()">{{ one.name }}</option>
              }
            </select>
          </div>
        </header>
        <tw-content-state [content]="store.list()" [rows]="10" [empty]="empty()" (retry)="store.load()">
          @if (status() || pipeline()) {
            <button type="button" class="small" (click)="filter({ status: null, pipeline: null })">Show all</button>
          }
        </tw-content-state>
        @if (store.all().length) {
          <tw-execution-table [executions]="store.all()" />
        }
      </section>
    </div>
  `,
  styles: `
    .filters {
      display: flex;
      gap: 8px;
    }
  `,
})
export class ExecutionList {
  private readonly router = inject(Router);
  protected readonly store = inject(ExecutionsStore);
  protected readonly pipelines = inject(PipelinesStore);

  /** From the address. */
  readonly status = input<string>();
  /** From the address: a pipeline's id. */
  readonly pipeline = input<string>();

  protected readonly statuses = STATUSES.map((value) => ({ value, word: stateWord(value) }));
  protected readonly empty = computed(() =>
    this.status() || this.pipeline()
      ? 'No execution fits these filters.'
      : 'No execution yet. One starts when a trigger fires.',
  );

  constructor() {
    effect(() => {
      const status = STATUSES.find((one) => one === this.status());
      const pipeline_id = this.pipeline();
      untracked(
        () => void this.store.load({ limit: SHOWN, ...(status && { status }), ...(pipeline_id && { pipeline_id }) }),
      );
    });
  }

  protected filter(queryParams: { status?: string | null; pipeline?: string | null }): void {
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
}

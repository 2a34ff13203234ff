import { Component, computed, inject, input, output } from '@angular/core';

import { Loadable } from '../data/loadable';
import { Now } from '../data/now';
import { formatClock } from './format';
import { Icon } from './icon';

const STALE_AFTER_MS = 5000;

/**
 * What stands where content is not: rows of a skeleton while it loads for the first time, a sentence when there is
 * none, the failure with a retry. Beside old content a failure is one line that says since when it is stale.
 */
@Component({
  selector: 'tw-content-state',
  imports: [Icon],
  template: `
    @if (content().problem; as problem) {
      <div class="failed" role="alert" [class.line]="content().value !== undefined">
        <tw-icon name="alert" />
        <p>
          @if (problem.status !== 0 || staleSince() === undefined) {
            <strong>{{ problem.title }}</strong> {{ problem.advice }}
          }
          @if (staleSince(); as since) {
            <span class="stale">Stale since {{ since }}.</span>
          }
        </p>
        <button type="button" class="small" (click)="retry.emit()">Retry</button>
      </div>
    } @else if (content().value === undefined) {
      <div class="skeleton" role="status" aria-label="Loading">
        @for (row of skeleton(); track row) {
          <i [style.width.%]="row"></i>
        }
      </div>
    } @else if (isEmpty()) {
      <div class="empty">
        <p>{{ empty() }}</p>
        <ng-content />
      </div>
    }
  `,
  styles: `
    .failed {
      display: flex;
      gap: 10px;
      align-items: center;
      margin: 12px 14px;
      padding: 10px 12px;
      border: 1px solid color-mix(in srgb, var(--warn) 35%, transparent);
      border-radius: var(--radius);
      background: var(--warn-soft);
    }
    .failed tw-icon,
    .stale {
      color: var(--warn);
    }
    .failed button {
      margin-left: auto;
    }
    .line {
      margin: 8px 10px;
      padding: 4px 8px 4px 12px;
    }
    .skeleton {
      display: grid;
      gap: 14px;
      padding: 16px 14px;
      opacity: 0;
      animation: appear 0.2s linear 0.2s forwards;
    }
    .skeleton i {
      height: 10px;
      border-radius: 5px;
      background: var(--bg-3);
    }
    .empty {
      display: grid;
      gap: 12px;
      justify-items: center;
      padding: 28px 20px;
      color: var(--fg-2);
      text-align: center;
    }
    @keyframes appear {
      to {
        opacity: 1;
      }
    }
    @media (prefers-reduced-motion: reduce) {
      .skeleton {
        opacity: 1;
      }
    }
  `,
})
export class ContentState {
  private readonly now = inject(Now);
  readonly content = input.required<Loadable<unknown>>();
  /** What to say when there is nothing. */
  readonly empty = input('Nothing here yet.');
  /** Rows of the skeleton. */
  readonly rows = input(4);
  readonly retry = output();

  protected readonly isEmpty = computed(() => {
    const value = this.content().value;
    return Array.isArray(value) && value.length === 0;
  });
  protected readonly skeleton = computed(() => Array.from({ length: this.rows() }, (_, row) => 92 - ((row * 37) % 45)));
  protected readonly staleSince = computed(() => {
    const at = this.content().loadedAt;
    return at !== undefined && this.now.ms() - at > STALE_AFTER_MS ? formatClock(at) : undefined;
  });
}

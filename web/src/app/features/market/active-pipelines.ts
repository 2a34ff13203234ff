import { Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';

import { PipelinesStore } from '../../data/pipelines.store';
import { ContentState } from '../../ui/content-state';
import { shortSymbol } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { PipelineActions } from '../../ui/pipeline-actions';
import { TriggerStates } from '../../ui/trigger-states';

/** The pipelines that watch the tape, with what their triggers wait for. */
@Component({
  selector: 'tw-active-pipelines',
  imports: [ContentState, Icon, PipelineActions, RouterLink, TriggerStates],
  template: `
    <section class="panel" aria-labelledby="pipelines-title">
      <header>
        <h2 id="pipelines-title">Active pipelines</h2>
        <a class="button small quiet" routerLink="/pipelines">All pipelines</a>
      </header>
      <tw-content-state [content]="store.list()" empty="No pipeline yet." (retry)="store.load()" />
      @if (store.refusal(); as refusal) {
        <p class="refusal" role="alert">
          <tw-icon name="alert" /><span class="grow">{{ refusal.title }} {{ refusal.advice }}</span>
          <button type="button" class="quiet icon" aria-label="Dismiss" (click)="store.dismissRefusal()">
            <tw-icon name="cross" />
          </button>
        </p>
      }
      <ul>
        @for (pipeline of store.active(); track pipeline.id) {
          <li>
            <div class="line">
              <a class="name truncate" [routerLink]="['/pipelines', pipeline.id]">{{ pipeline.name }}</a>
              <span class="tag">{{ symbols(pipeline.symbols) }}</span>
            </div>
            <p class="words muted">{{ pipeline.trigger_words }}</p>
            <div class="line">
              <tw-trigger-states class="grow" [pipeline]="pipeline" />
              <tw-pipeline-actions [pipeline]="pipeline" />
            </div>
          </li>
        }
      </ul>
    </section>
  `,
  styles: `
    :host,
    .panel {
      height: 100%;
    }
    ul {
      overflow: auto;
    }
    li {
      display: grid;
      gap: 6px;
      padding: 10px 8px 10px 14px;
      border-bottom: 1px solid var(--line);
    }
    li:last-child {
      border-bottom: 0;
    }
    .line {
      display: flex;
      gap: 8px;
      align-items: center;
      min-height: 26px;
    }
    .line:first-child {
      min-height: 20px;
    }
    .name {
      font-weight: 600;
    }
    .name:hover {
      color: var(--accent);
    }
    .refusal {
      display: flex;
      gap: 8px;
      align-items: center;
      padding: 6px 8px 6px 14px;
      background: var(--warn-soft);
    }
    .refusal > tw-icon {
      color: var(--warn);
    }
  `,
})
export class ActivePipelines {
  protected readonly store = inject(PipelinesStore);

  protected symbols(symbols: readonly string[]): string {
    return symbols.length > 2 ? `${symbols.length} symbols` : symbols.map(shortSymbol).join(', ');
  }
}

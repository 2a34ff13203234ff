import { Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';

import { LiveLink } from '../data/live-link';
import { PipelineSummary } from '../data/models';
import { PipelinesStore } from '../data/pipelines.store';
import { Icon } from './icon';

const PATIENCE_MS = 5000;

/** Pause, resume and fire of one pipeline. */
@Component({
  selector: 'tw-pipeline-actions',
  imports: [Icon],
  template: `
    @if (pipeline().state === 'paused') {
      <button
        type="button"
        class="small"
        [disabled]="isBusy()"
        [attr.aria-label]="'Resume ' + name()"
        (click)="resume()"
      >
        <tw-icon name="play" />Resume
      </button>
    } @else if (pipeline().state === 'active') {
      <button type="button" class="small" [disabled]="isBusy()" [attr.aria-label]="'Pause ' + name()" (click)="pause()">
        <tw-icon name="pause" />Pause
      </button>
    }
    @if (pipeline().state === 'active') {
      <button
        type="button"
        class="small"
        title="Start an execution now, whatever the trigger says"
        [disabled]="isBusy()"
        [attr.aria-label]="'Fire ' + name() + ' now'"
        (click)="fire()"
      >
        <tw-icon name="bolt" />Fire
      </button>
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      gap: 6px;
      vertical-align: middle;
    }
  `,
})
export class PipelineActions {
  private readonly store = inject(PipelinesStore);
  private readonly router = inject(Router);
  private readonly link = inject(LiveLink);

  readonly pipeline = input.required<Pick<PipelineSummary, 'id' | 'name' | 'state'>>();
  /** Whether firing leads to the execution that it starts. */
  readonly isFollowing = input(false);

  protected readonly name = computed(() => this.pipeline().name);
  protected readonly isBusy = computed(() => this.store.busy().includes(this.pipeline().id));

  protected pause(): void {
    void this.store.pausePipeline(this.pipeline().id);
  }

  protected resume(): void {
    void this.store.resumePipeline(this.pipeline().id);
  }

  protected async fire(): Promise<void> {
    const executionId = await this.store.firePipeline(this.pipeline().id);
    if (executionId && this.isFollowing()) {
      // It is there once the dispatcher has taken the firing.
      await this.link.untilHeardOf(executionId, PATIENCE_MS);
      await this.router.navigate(['/executions', executionId]);
    }
  }
}

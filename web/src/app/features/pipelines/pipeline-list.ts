import { Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';

import { PipelinesStore } from '../../data/pipelines.store';
import { ContentState } from '../../ui/content-state';
import { agentName, shortSymbol } from '../../ui/format';
import { PipelineActions } from '../../ui/pipeline-actions';
import { StateMark } from '../../ui/state-mark';
import { TimeMark } from '../../ui/time-mark';
import { TriggerStates } from '../../ui/trigger-states';

/** All pipelines of the user. */
@Component({
  selector: 'tw-pipeline-list',
  imports: [ContentState, PipelineActions, RouterLink, StateMark, TimeMark, TriggerStates],
  templateUrl: './pipeline-list.html',
})
export class PipelineList {
  protected readonly store = inject(PipelinesStore);
  protected readonly rows = computed(() =>
    this.store.all().map((pipeline) => ({
      pipeline,
      symbols: pipeline.symbols.map(shortSymbol).join(', '),
      trigger: agentName(pipeline.trigger_type),
      firedMs: Math.max(0, ...pipeline.triggers.map(({ last_fired_ms }) => last_fired_ms ?? 0)) || null,
    })),
  );

  constructor() {
    void this.store.load();
  }
}

import { Component, computed, effect, inject, input, linkedSignal, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';

import { PipelinesStore } from '../../data/pipelines.store';
import { PipelineStore } from '../../data/pipeline.store';
import { ContentState } from '../../ui/content-state';
import { ExecutionTable } from '../../ui/execution-table';
import { agentName, formatPrice, shortSymbol, zoneName } from '../../ui/format';
import { JsonText } from '../../ui/json-text';
import { PipelineActions } from '../../ui/pipeline-actions';
import { PipelineGraph } from '../../ui/pipeline-graph/pipeline-graph';
import { RecordView } from '../../ui/record-view/record-view';
import { StateMark } from '../../ui/state-mark';
import { TimeMark } from '../../ui/time-mark';

/** One pipeline: when it fires, its chain, its text, what it did. */
@Component({
  selector: 'tw-pipeline-page',
  imports: [
    ContentState,
    ExecutionTable,
    JsonText,
    PipelineActions,
    PipelineGraph,
    RecordView,
    RouterLink,
    StateMark,
    TimeMark,
  ],
  providers: [PipelineStore],
  templateUrl: './pipeline-page.html',
  styleUrl: './pipeline-page.css',
})
export class PipelinePage {
  protected readonly store = inject(PipelineStore);
  protected readonly pipelines = inject(PipelinesStore);

  /** From the address. */
  readonly id = input.required<string>();

  protected readonly zone = zoneName();
  protected readonly isText = signal(false);
  protected readonly pipeline = computed(() => this.store.pipeline().value);
  protected readonly symbols = computed(() => (this.pipeline()?.symbols ?? []).map(shortSymbol).join(', '));
  protected readonly executions = computed(() => this.store.executions().value ?? []);
  /** The node whose settings are shown: the trigger first. */
  protected readonly selectedId = linkedSignal(() => this.store.graph().nodes[0]?.id);
  protected readonly selected = computed(() => {
    const node = this.store.graph().nodes.find(({ id }) => id === this.selectedId());
    return node && { name: agentName(node.agent_type), id: node.id, config: node.config };
  });
  protected readonly triggers = computed(() =>
    (this.pipeline()?.triggers ?? []).map((trigger) => ({ ...trigger, name: shortSymbol(trigger.symbol) })),
  );
  protected readonly firings = computed(() =>
    (this.store.firings().value ?? []).map((firing) => ({
      ...firing,
      name: shortSymbol(firing.symbol),
      shownPrice: formatPrice(firing.price),
    })),
  );

  constructor() {
    effect(() => {
      const id = this.id();
      untracked(() => void this.store.open(id));
    });
    // What a verb changed is in the list first.
    effect(() => {
      const changed = this.pipelines.byId().get(this.id());
      untracked(() => {
        if (changed && this.pipeline() && changed.state !== this.pipeline()?.state) {
          void this.store.load();
        }
      });
    });
  }
}

import { Component, computed, input } from '@angular/core';

import { JsonRecord } from '../../data/models';
import { partsOf } from './record-parts';

const DEEPEST = 4;

/**
 * A record of an agent, its settings or its report, as facts, prose, lists and tables. All of it is bound as text:
 * a model or the news may have written it.
 */
@Component({
  selector: 'tw-record-view',
  imports: [],
  templateUrl: './record-view.html',
  styleUrl: './record-view.css',
})
export class RecordView {
  readonly value = input.required<JsonRecord>();
  /** Keys that are shown elsewhere. */
  readonly hidden = input<readonly string[]>([]);
  readonly depth = input(0);
  /** Whether nested records are open, as in print. */
  readonly isOpen = input(false);

  private readonly parts = computed(() => partsOf(this.value(), this.hidden()));
  protected readonly facts = computed(() => this.parts().filter((part) => part.kind === 'fact'));
  protected readonly others = computed(() => this.parts().filter((part) => part.kind !== 'fact'));
  protected readonly isDeepest = computed(() => this.depth() >= DEEPEST);

  protected asText(value: JsonRecord): string {
    return JSON.stringify(value, null, 2);
  }
}

import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';

import { ReportsStore } from '../../data/reports.store';
import { ContentState } from '../../ui/content-state';
import { shortSymbol } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { RecordView } from '../../ui/record-view/record-view';
import { StateMark } from '../../ui/state-mark';
import { TimeMark } from '../../ui/time-mark';
import { sectionsOf, stepsOf } from './report-sections';

/** Means nothing to a reader; the execution has it. */
const HIDDEN = [
  'symbol',
  'observed_at',
  'decided_at',
  'executed_at',
  'firing_id',
  'agent_type',
  'provider',
  'order_id',
  'broker_order_id',
  'client_order_id',
  'report_id',
];

/** One report, to read and to print. */
@Component({
  selector: 'tw-report-page',
  imports: [ContentState, Icon, RecordView, RouterLink, StateMark, TimeMark],
  templateUrl: './report-page.html',
  styleUrl: './report-page.css',
})
export class ReportPage {
  protected readonly store = inject(ReportsStore);

  /** From the address. */
  readonly id = input.required<string>();

  protected readonly report = computed(() => {
    const report = this.store.open().value;
    return report?.id === this.id() ? report : undefined;
  });
  protected readonly hidden = HIDDEN;
  protected readonly symbol = computed(() => shortSymbol(this.report()?.symbol ?? ''));
  protected readonly by = computed(() => this.report()?.model ?? this.report()?.provider ?? '');
  protected readonly sections = computed(() => sectionsOf(this.report()?.full_report));
  protected readonly steps = computed(() => stepsOf(this.report()?.full_report));

  constructor() {
    effect(() => {
      const id = this.id();
      untracked(() => void this.store.openReport(id));
    });
  }

  protected print(): void {
    window.print();
  }
}

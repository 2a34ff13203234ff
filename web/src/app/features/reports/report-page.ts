import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';

import { JsonRecord } from '../../data/models';
import { record } from '../../data/reading';
import { ReportsStore } from '../../data/reports.store';
import { ContentState } from '../../ui/content-state';
import { shortSymbol } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { labelOf } from '../../ui/record-view/record-parts';
import { RecordView } from '../../ui/record-view/record-view';
import { TimeMark } from '../../ui/time-mark';

interface Section {
  key: string;
  title: string;
  value: JsonRecord;
}

/** Shown in the report's head. */
const IN_HEAD = ['title', 'summary', 'symbol', 'provider', 'model', 'execution_id', 'report_id', 'created_at'];

/** Means nothing to a reader; the execution has it. */
const HIDDEN = ['firing_id', 'agent_type', 'provider', 'order_id', 'broker_order_id', 'client_order_id', 'report_id'];

/** One report, to read and to print. */
@Component({
  selector: 'tw-report-page',
  imports: [ContentState, Icon, RecordView, RouterLink, TimeMark],
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
  /** Each record of the report is a section; what lies beside them comes first. */
  protected readonly sections = computed<Section[]>(() => sectionsOf(record(this.report()?.full_report)));

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

function sectionsOf(body: JsonRecord): Section[] {
  const loose: JsonRecord = {};
  const sections: Section[] = [];
  for (const [key, value] of Object.entries(body)) {
    if (IN_HEAD.includes(key)) {
      continue;
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      if (Object.keys(value).length) {
        sections.push({ key, title: labelOf(key), value });
      }
    } else {
      loose[key] = value;
    }
  }
  return Object.keys(loose).length ? [{ key: '', title: 'At a glance', value: loose }, ...sections] : sections;
}

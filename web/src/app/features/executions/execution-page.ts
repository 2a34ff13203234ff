import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';

import { ExecutionStore } from '../../data/execution.store';
import { Now } from '../../data/now';
import { record } from '../../data/reading';
import { ContentState } from '../../ui/content-state';
import { formatUsd } from '../../ui/decimal';
import { EvidenceTable } from '../../ui/evidence';
import { formatDuration, formatNumber, shortId, shortSymbol } from '../../ui/format';
import { Icon } from '../../ui/icon';
import { withoutCandles } from '../../ui/record-view/market-summary';
import { RecordView } from '../../ui/record-view/record-view';
import { StateMark } from '../../ui/state-mark';
import { TimeMark } from '../../ui/time-mark';
import { eventWords } from './event-words';
import { stepInFocus, timelineOf } from './timeline';

/** Shown apart, or known from elsewhere on the page. */
const HIDDEN = [
  'provider',
  'model',
  'firing_id',
  'agent_type',
  'report_id',
  'url',
  'symbol',
  'created_at',
  'decided_at',
];

/** One execution, watched as it happens: why it fired, each step, what it said, what it cost, the log. */
@Component({
  selector: 'tw-execution-page',
  imports: [ContentState, EvidenceTable, Icon, RecordView, RouterLink, StateMark, TimeMark],
  providers: [ExecutionStore],
  templateUrl: './execution-page.html',
  styleUrl: './execution-page.css',
})
export class ExecutionPage {
  private readonly now = inject(Now);
  protected readonly store = inject(ExecutionStore);

  /** From the address. */
  readonly id = input.required<string>();

  protected readonly hidden = HIDDEN;
  protected readonly execution = computed(() => this.store.detail().value);
  protected readonly symbol = computed(() => shortSymbol(this.execution()?.symbol ?? ''));
  protected readonly shortId = computed(() => shortId(this.id()));
  protected readonly cost = computed(() => formatUsd(this.execution()?.total_cost_usd, 4));
  protected readonly took = computed(() => {
    const execution = this.execution();
    if (!execution?.started_at) {
      return '—';
    }
    const end = execution.finished_at ? Date.parse(execution.finished_at) : this.now.ms();
    return formatDuration(Math.max(0, end - Date.parse(execution.started_at)));
  });
  /** From the firing's decision to the end of the chain. */
  protected readonly sinceFiring = computed(() => {
    const execution = this.execution();
    return execution?.finished_at
      ? formatDuration(Date.parse(execution.finished_at) - execution.firing.decided_ms)
      : undefined;
  });
  protected readonly rows = computed(() => timelineOf(this.store.steps(), this.now.ms()));

  /** The step that was picked by hand; until then the page follows what runs. */
  private readonly picked = signal<string | undefined>(undefined);
  protected readonly selectedId = computed(() => this.picked() ?? stepInFocus(this.store.steps()));
  protected readonly selected = computed(() => {
    const step = this.store.steps().find(({ node_id }) => node_id === this.selectedId());
    const row = this.rows().find(({ id }) => id === this.selectedId());
    if (!step || !row) {
      return undefined;
    }
    return {
      ...row,
      output: step.output && withoutCandles(record(step.output)),
      error: step.error,
      attempt: step.attempt,
      says: sayer(step.provider, step.model, step.llm_calls),
      tokens: step.input_tokens + step.output_tokens ? tokens(step.input_tokens, step.output_tokens) : '',
      calls: calls(step.llm_calls, step.api_calls),
    };
  });
  protected readonly log = computed(() =>
    this.store.log().map((event) => ({
      seq: event.seq,
      at: event.at,
      words: eventWords(event),
      isBad: event.event === 'error',
    })),
  );

  constructor() {
    effect(() => {
      const id = this.id();
      untracked(() => {
        this.picked.set(undefined);
        void this.store.open(id);
      });
    });
  }

  protected pick(id: string): void {
    this.picked.set(id);
  }
}

/** An answer of a model is labelled with the model, that of rules as rules. */
function sayer(provider: string, model: string, calls: number): string {
  if (!provider && !model) {
    return calls ? 'language model' : '';
  }
  return provider.startsWith('rules') || model.startsWith('rules') ? `rules (${model || provider})` : model || provider;
}

function tokens(input: number, output: number): string {
  return `${formatNumber(input, 0)} in, ${formatNumber(output, 0)} out`;
}

function calls(llm: number, api: number): string {
  const parts = [llm ? `${llm} to a model` : '', api ? `${api} to services` : ''];
  return parts.filter(Boolean).join(', ');
}

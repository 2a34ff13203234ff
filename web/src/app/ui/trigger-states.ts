import { Component, computed, input } from '@angular/core';

import { PipelineSummary } from '../data/models';
import { shortSymbol } from './format';
import { StateMark } from './state-mark';

/** Where a pipeline's trigger stands: one mark, or one a symbol when they differ. */
@Component({
  selector: 'tw-trigger-states',
  imports: [StateMark],
  template: `
    @for (mark of marks(); track mark.text) {
      <tw-state [state]="mark.state" [text]="mark.text" />
    }
  `,
  styles: `
    :host {
      display: inline-flex;
      flex-wrap: wrap;
      gap: 2px 10px;
      vertical-align: middle;
    }
  `,
})
export class TriggerStates {
  readonly pipeline = input.required<Pick<PipelineSummary, 'state' | 'triggers'>>();

  protected readonly marks = computed(() => marksOf(this.pipeline()));
}

/** Says the state of a pipeline's trigger in one word a mark. A pipeline that is not active says only that. */
export function marksOf({
  state,
  triggers,
}: Pick<PipelineSummary, 'state' | 'triggers'>): { state: string; text: string }[] {
  if (state !== 'active') {
    return [{ state, text: word(state) }];
  }
  if (triggers.length === 0) {
    return [{ state: 'starting', text: 'Arming' }];
  }
  const states = new Set(triggers.map((trigger) => trigger.state));
  if (states.size === 1 || triggers.length > 4) {
    const [first] = triggers;
    const missing = Math.max(...triggers.map(({ missing_candles }) => missing_candles));
    return [{ state: first?.state ?? '', text: withMissing(first?.state ?? '', missing) }];
  }
  return triggers.map((trigger) => ({
    state: trigger.state,
    text: `${shortSymbol(trigger.symbol)} ${withMissing(trigger.state, trigger.missing_candles).toLowerCase()}`,
  }));
}

function withMissing(state: string, missing: number): string {
  if (state !== 'warming' || missing === 0) {
    return word(state);
  }
  return `Warming, ${missing} ${missing === 1 ? 'candle' : 'candles'} missing`;
}

function word(state: string): string {
  const words = state.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

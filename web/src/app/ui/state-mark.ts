import { Component, computed, input } from '@angular/core';

import { stateWord, toneOf } from './states';

/** A state as dot and word. */
@Component({
  selector: 'tw-state',
  template: `<i [class]="tone()" aria-hidden="true"></i>{{ word() }}`,
  styles: `
    :host {
      display: inline-flex;
      gap: 7px;
      align-items: center;
      vertical-align: middle;
      white-space: nowrap;
    }
    i {
      flex: none;
      width: 7px;
      height: 7px;
      border-radius: 50%;
      background: var(--fg-3);
    }
    .active {
      background: var(--accent);
    }
    .busy {
      background: var(--accent);
      animation: pulse 1.4s ease-in-out infinite;
    }
    .warn {
      background: var(--warn);
    }
    .bad {
      border-radius: 1px;
      background: var(--warn);
      rotate: 45deg;
    }
    @keyframes pulse {
      50% {
        opacity: 0.3;
      }
    }
  `,
})
export class StateMark {
  readonly state = input.required<string>();
  /** Words in place of the state's own. */
  readonly text = input<string>();
  protected readonly tone = computed(() => toneOf(this.state()));
  protected readonly word = computed(() => this.text() ?? stateWord(this.state()));
}

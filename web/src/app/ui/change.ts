import { Component, computed, input } from '@angular/core';

import { Icon } from './icon';

/** A direction of money: arrow, sign and colour, so that none of them is needed. */
@Component({
  selector: 'tw-change',
  imports: [Icon],
  template: `
    @if (direction(); as way) {
      <span [class]="way"><tw-icon [name]="way" />{{ text() }}</span>
    } @else {
      <span class="flat">{{ text() }}</span>
    }
  `,
  styles: `
    span {
      display: inline-flex;
      gap: 1px;
      align-items: center;
      vertical-align: top;
    }
    .up {
      color: var(--up);
    }
    .down {
      color: var(--down);
    }
    .flat {
      color: var(--fg-2);
    }
    tw-icon {
      scale: 0.8;
    }
  `,
})
export class Change {
  /** The amount whose sign is shown. */
  readonly value = input.required<number | null | undefined>();
  /** The amount as text, with its sign. */
  readonly text = input.required<string>();
  protected readonly direction = computed<'up' | 'down' | undefined>(() => {
    const value = this.value() ?? 0;
    return value > 0 ? 'up' : value < 0 ? 'down' : undefined;
  });
}

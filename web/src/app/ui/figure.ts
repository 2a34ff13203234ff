import { Component, input } from '@angular/core';

/** One big number with its name; a second line is projected. */
@Component({
  selector: 'tw-figure',
  template: `
    <div class="label">{{ name() }}</div>
    <div class="value" [class.unknown]="value() === '—'">{{ value() }}</div>
    <div class="more"><ng-content /></div>
  `,
  styles: `
    :host {
      display: block;
      min-width: 0;
      padding: 12px 14px;
      border: 1px solid var(--line);
      border-radius: var(--radius-panel);
      background: var(--bg-1);
    }
    .value {
      margin-top: 4px;
      font: 600 22px/28px var(--sans);
      letter-spacing: -0.02em;
    }
    .unknown {
      color: var(--fg-3);
    }
    .more {
      overflow: hidden;
      min-height: 20px;
      color: var(--fg-2);
      text-overflow: ellipsis;
      white-space: nowrap;
    }
  `,
})
export class Figure {
  readonly name = input.required<string>();
  readonly value = input.required<string>();
}

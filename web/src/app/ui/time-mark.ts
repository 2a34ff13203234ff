import { Component, computed, inject, input } from '@angular/core';

import { Now } from '../data/now';
import { formatAgo, formatTime, formatUtc, Moment } from './format';

/** A moment in the user's zone, exact UTC on hover. */
@Component({
  selector: 'tw-time',
  template: `<time [attr.datetime]="iso()" [title]="utc()">{{ text() }}</time>`,
  styles: `
    time {
      white-space: nowrap;
    }
  `,
})
export class TimeMark {
  private readonly now = inject(Now);
  readonly at = input.required<Moment>();
  /** Whether to say how long ago in place of when. */
  readonly isAge = input(false);
  protected readonly utc = computed(() => formatUtc(this.at()));
  protected readonly iso = computed(() => this.utc().replace(' UTC', 'Z').replace(' ', 'T') || null);
  protected readonly text = computed(() =>
    this.isAge() ? formatAgo(this.at(), this.now.ms()) : formatTime(this.at(), this.now.ms()),
  );
}

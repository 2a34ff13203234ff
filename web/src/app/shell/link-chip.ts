import { Component, computed, inject } from '@angular/core';

import { LiveLink, LinkState } from '../data/live-link';
import { Now } from '../data/now';
import { formatAgo, formatClock } from '../ui/format';

const WORDS: Readonly<Record<LinkState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  polling: 'Polling',
  offline: 'Offline',
};

/** Whether what one sees arrives as it happens, with the time the server was last heard. */
@Component({
  selector: 'tw-link-chip',
  template: `
    <span class="badge" [class.warn]="isWarning()" [attr.data-link]="link.state()" [title]="title()" role="status">
      <i [class]="link.state()" aria-hidden="true"></i>{{ word() }}
    </span>
  `,
  styles: `
    i {
      width: 7px;
      height: 7px;
      border-radius: 50%;
      background: currentColor;
    }
    .live {
      background: var(--accent);
    }
    .offline {
      border: 2px solid currentColor;
      background: none;
    }
  `,
})
export class LinkChip {
  private readonly now = inject(Now);
  protected readonly link = inject(LiveLink);
  protected readonly isWarning = computed(() => this.link.state() === 'polling' || this.link.state() === 'offline');
  protected readonly word = computed(() => {
    const state = this.link.state();
    const heard = this.link.lastHeardAt();
    return state === 'offline' && heard !== undefined ? `Offline since ${formatClock(heard)}` : WORDS[state];
  });
  protected readonly title = computed(() => `Last heard ${formatAgo(this.link.lastHeardAt(), this.now.ms())}`);
}

import { Component, computed, inject } from '@angular/core';

import { HealthStore } from '../data/health.store';
import { LiveLink } from '../data/live-link';
import { sentencesOf } from '../data/platform-parts';
import { Icon } from '../ui/icon';

/** More would push the page away; the list of parts has all of them. */
const MOST = 2;

/** Says in words what is happening while a part of the platform is down; not there when all is well. */
@Component({
  selector: 'tw-health-strip',
  imports: [Icon],
  template: `
    <div role="status" aria-live="polite">
      @if (sentences().length) {
        <ul class="no-print">
          @for (sentence of sentences(); track sentence) {
            <li><tw-icon name="alert" />{{ sentence }}</li>
          }
        </ul>
      }
    </div>
  `,
  styles: `
    ul {
      padding: 4px 20px;
      border-bottom: 1px solid color-mix(in srgb, var(--warn) 30%, transparent);
      background: var(--warn-soft);
    }
    li {
      display: flex;
      gap: 10px;
      align-items: center;
      min-height: 26px;
    }
    tw-icon {
      color: var(--warn);
    }
  `,
})
export class HealthStrip {
  private readonly store = inject(HealthStore);
  private readonly link = inject(LiveLink);
  protected readonly sentences = computed(() => {
    if (this.link.state() === 'offline') {
      return ['The server does not answer. What you see may be out of date; the page reconnects by itself.'];
    }
    const sentences = sentencesOf(this.store.troubles());
    const more = sentences.length - MOST;
    return more > 0 ? [...sentences.slice(0, MOST), `And ${more} more: see the parts of the platform.`] : sentences;
  });
}

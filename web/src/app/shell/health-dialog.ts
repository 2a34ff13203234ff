import { Component, ElementRef, inject, viewChild } from '@angular/core';

import { HealthStore } from '../data/health.store';
import { ContentState } from '../ui/content-state';
import { Icon } from '../ui/icon';
import { StateMark } from '../ui/state-mark';
import { TimeMark } from '../ui/time-mark';

/** Every part of the platform with its state. */
@Component({
  selector: 'tw-health-dialog',
  imports: [ContentState, Icon, StateMark, TimeMark],
  template: `
    <dialog #dialog aria-labelledby="health-title">
      <header>
        <h2 id="health-title">Parts of the platform</h2>
        <button type="button" class="quiet icon" aria-label="Close" (click)="close()"><tw-icon name="cross" /></button>
      </header>
      <tw-content-state [content]="store.health()" (retry)="store.load()" />
      <div class="scroll" tabindex="0" role="region" aria-label="Parts">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Part</th>
              <th scope="col">State</th>
              <th scope="col">What it says</th>
            </tr>
          </thead>
          <tbody>
            @for (part of store.parts(); track part.name) {
              <tr>
                <td>{{ part.title }}</td>
                <td><tw-state [state]="part.state" /></td>
                <td class="wide muted" [title]="part.detail">
                  {{ part.state === 'ok' ? part.detail : part.sentence }}
                </td>
              </tr>
            }
          </tbody>
        </table>
        <section aria-labelledby="feed-title">
          <h3 id="feed-title">Symbols of the feed</h3>
          <p class="muted">{{ store.feed().sentence }}</p>
          @if (store.feed().symbols.length) {
            <table class="table" aria-labelledby="feed-title">
              <thead>
                <tr>
                  <th scope="col">Symbol</th>
                  <th scope="col">State</th>
                  <th scope="col">Since</th>
                  <th scope="col">What it means</th>
                </tr>
              </thead>
              <tbody>
                @for (one of store.feed().symbols; track one.symbol) {
                  <tr>
                    <td>{{ one.symbol }}</td>
                    <td><tw-state [state]="one.state" /></td>
                    <td class="muted"><tw-time [at]="one.sinceMs" /></td>
                    <td class="wide muted" [title]="one.reason">{{ one.reason }}</td>
                  </tr>
                }
              </tbody>
            </table>
          } @else {
            <p class="muted">No symbol is watched. Activate a pipeline to watch its symbols.</p>
          }
          @if (store.feed().refused.length) {
            <p class="muted">Not allowed to this key: {{ store.feed().refused.join(', ') }}.</p>
          }
          <p class="muted">{{ store.feed().halts }}</p>
        </section>
      </div>
    </dialog>
  `,
  styles: `
    dialog {
      width: min(760px, calc(100vw - 40px));
    }
    header {
      display: flex;
      justify-content: space-between;
      align-items: center;
      padding: 8px 8px 8px 14px;
      border-bottom: 1px solid var(--line);
    }
    .scroll {
      max-height: 70vh;
    }
    section > h3,
    section > p {
      margin: 0;
      padding: 8px 14px;
    }
    .table th {
      background: var(--bg-2);
    }
  `,
})
export class HealthDialog {
  protected readonly store = inject(HealthStore);
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');

  show(): void {
    this.dialog().nativeElement.showModal();
  }

  protected close(): void {
    this.dialog().nativeElement.close();
  }
}

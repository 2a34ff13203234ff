import { DestroyRef, inject, Injectable, signal } from '@angular/core';

/** The time of day as a signal that ticks once a second, for ages and countdowns. */
@Injectable({ providedIn: 'root' })
export class Now {
  private readonly at = signal(Date.now());

  /** Epoch ms. */
  readonly ms = this.at.asReadonly();

  constructor() {
    const timer = setInterval(() => this.at.set(Date.now()), 1000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }
}

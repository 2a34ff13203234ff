import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { filter, timer } from 'rxjs';

import { Backend } from './backend';
import { FeedView, readFeed } from './feed-symbols';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, notLoaded } from './loadable';
import { Part, readParts, troublesOf } from './platform-parts';
import { describeProblem } from './problem';

/** How often it is asked for while the socket does not tell. */
const EVERY_MS = 3000;

/** Whether each part of the platform does its work, and what it means when one does not. */
export const HealthStore = signalStore(
  { providedIn: 'root' },
  withState<{ health: Loadable<Part[]>; feed: FeedView }>({ health: notLoaded(), feed: readFeed(null) }),
  withComputed(({ health }) => ({ parts: computed(() => health().value ?? []) })),
  withComputed(({ parts }) => ({ troubles: computed(() => troublesOf(parts())) })),
  withMethods((store, backend = inject(Backend)) => ({
    /** Takes a health that was pushed. */
    take(health: unknown): void {
      patchState(store, { health: loaded(readParts(health)), feed: readFeed(health) });
    },

    async load(): Promise<void> {
      try {
        const health = await backend.readHealth();
        patchState(store, { health: loaded(readParts(health)), feed: readFeed(health) });
      } catch (error) {
        patchState(store, { health: failed(store.health(), describeProblem('read the health', error)) });
      }
    },
  })),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      link.health.pipe(takeUntilDestroyed(destroyed)).subscribe((health) => store.take(health));
      timer(0, EVERY_MS)
        .pipe(
          filter(() => !link.isLive() || store.health().loadedAt === undefined),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);

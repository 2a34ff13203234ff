import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { ListedFiring } from './models';
import { describeProblem } from './problem';

const KEPT = 200;
const ARRIVALS = new Set(['execution_queued', 'execution_started', 'execution_suppressed']);

/** The latest firings of all pipelines, newest first. */
export const FiringsStore = signalStore(
  { providedIn: 'root' },
  withState<{ list: Loadable<ListedFiring[]> }>({ list: notLoaded() }),
  withComputed(({ list }) => ({ all: computed(() => list().value ?? []) })),
  withMethods((store, backend = inject(Backend)) => ({
    async load(): Promise<void> {
      patchState(store, { list: loading(store.list()) });
      try {
        patchState(store, { list: loaded(await backend.listFirings({ limit: KEPT })) });
      } catch (error) {
        patchState(store, { list: failed(store.list(), describeProblem('load firings', error)) });
      }
    },
  })),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const arrivals = link.events.pipe(filter(({ event }) => ARRIVALS.has(event)));
      merge(arrivals, link.polls, link.resumes)
        .pipe(
          filter(() => store.list().loadedAt !== undefined),
          auditTime(500),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);

import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge } from 'rxjs';

import { Backend, ExecutionFilter } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { ExecutionSummary } from './models';
import { describeProblem } from './problem';

interface ExecutionsState {
  list: Loadable<ExecutionSummary[]>;
  filter: ExecutionFilter;
}

const RUNNING = new Set(['queued', 'running', 'waiting_approval']);

/** The latest executions, read again as events tell that one of them moved. */
export const ExecutionsStore = signalStore(
  { providedIn: 'root' },
  withState<ExecutionsState>({ list: notLoaded(), filter: { limit: 50 } }),
  withComputed(({ list }) => ({
    all: computed(() => list().value ?? []),
    running: computed(() => (list().value ?? []).filter(({ status }) => RUNNING.has(status))),
  })),
  withMethods((store, backend = inject(Backend)) => ({
    /** Loads with the filter given, or again with the one before. An answer to an older filter is dropped. */
    async load(wanted: ExecutionFilter = store.filter()): Promise<void> {
      const isSame = wanted === store.filter();
      patchState(store, { filter: wanted, list: loading(isSame ? store.list() : notLoaded()) });
      try {
        const executions = await backend.listExecutions(wanted);
        if (store.filter() === wanted) {
          patchState(store, { list: loaded(executions) });
        }
      } catch (error) {
        if (store.filter() === wanted) {
          patchState(store, { list: failed(store.list(), describeProblem('load executions', error)) });
        }
      }
    },
  })),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const moves = link.events.pipe(filter(({ execution_id }) => execution_id !== null));
      merge(moves, link.polls, link.resumes)
        .pipe(
          filter(() => store.list().loadedAt !== undefined),
          auditTime(250),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);

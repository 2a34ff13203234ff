import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { Report, ReportSummary } from './models';
import { describeProblem } from './problem';

interface ReportsState {
  list: Loadable<ReportSummary[]>;
  open: Loadable<Report>;
}

/** The reports of finished executions, and the one that is read. */
export const ReportsStore = signalStore(
  { providedIn: 'root' },
  withState<ReportsState>({ list: notLoaded(), open: notLoaded() }),
  withComputed(({ list }) => ({ all: computed(() => list().value ?? []) })),
  withMethods((store, backend = inject(Backend)) => ({
    async load(): Promise<void> {
      patchState(store, { list: loading(store.list()) });
      try {
        patchState(store, { list: loaded(await backend.listReports()) });
      } catch (error) {
        patchState(store, { list: failed(store.list(), describeProblem('load reports', error)) });
      }
    },

    async openReport(id: string): Promise<void> {
      const before = store.open().value?.id === id ? store.open() : notLoaded();
      const opening = loading(before);
      patchState(store, { open: opening });
      try {
        const report = await backend.readReport(id);
        if (store.open() === opening) {
          patchState(store, { open: loaded(report) });
        }
      } catch (error) {
        if (store.open() === opening) {
          patchState(store, { open: failed(before, describeProblem('load the report', error)) });
        }
      }
    },
  })),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const arrivals = link.events.pipe(filter(({ event }) => event === 'report_ready'));
      merge(arrivals, link.resumes)
        .pipe(
          filter(() => store.list().loadedAt !== undefined),
          auditTime(500),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);

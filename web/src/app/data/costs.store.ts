import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { CostGroup, Costs } from './models';
import { describeProblem } from './problem';

type CostsState = Record<CostGroup, Loadable<Costs>>;

const DAYS = 30;

/** What executions cost, grouped. */
export const CostsStore = signalStore(
  { providedIn: 'root' },
  withState<CostsState>({ day: notLoaded(), agent: notLoaded(), model: notLoaded(), pipeline: notLoaded() }),
  withComputed(({ day }) => ({
    /** What today cost and may cost; undefined until it is known. */
    budget: computed(() => day().value?.budget),
  })),
  withMethods((store, backend = inject(Backend)) => {
    async function load(group: CostGroup): Promise<void> {
      patchState(store, { [group]: loading(store[group]()) });
      try {
        patchState(store, { [group]: loaded(await backend.listCosts(group, DAYS)) });
      } catch (error) {
        patchState(store, { [group]: failed(store[group](), describeProblem('load costs', error)) });
      }
    }
    return { load };
  }),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const spending = link.events.pipe(filter(({ event }) => event === 'execution_completed' || event === 'error'));
      merge(spending, link.resumes)
        .pipe(auditTime(2000), takeUntilDestroyed(destroyed))
        .subscribe(() => {
          for (const group of ['day', 'agent', 'model', 'pipeline'] as const) {
            if (store[group]().loadedAt !== undefined) {
              void store.load(group);
            }
          }
        });
    },
  }),
);

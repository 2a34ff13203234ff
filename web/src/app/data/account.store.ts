import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge, timer } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { Positions } from './models';
import { describeProblem } from './problem';

const EVERY_MS = 5000;

/** What the account holds. */
export const AccountStore = signalStore(
  { providedIn: 'root' },
  withState<{ holdings: Loadable<Positions> }>({ holdings: notLoaded() }),
  withComputed(({ holdings }) => ({
    account: computed(() => holdings().value?.account ?? undefined),
    positions: computed(() => holdings().value?.items ?? []),
  })),
  withMethods((store, backend = inject(Backend)) => ({
    async load(): Promise<void> {
      patchState(store, { holdings: loading(store.holdings()) });
      try {
        patchState(store, { holdings: loaded(await backend.listPositions()) });
      } catch (error) {
        patchState(store, { holdings: failed(store.holdings(), describeProblem('load positions', error)) });
      }
    },
  })),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const trades = link.events.pipe(filter(({ event }) => event === 'trade_executed'));
      merge(trades, link.resumes, timer(EVERY_MS, EVERY_MS))
        .pipe(
          filter(() => store.holdings().loadedAt !== undefined && link.state() !== 'offline'),
          auditTime(300),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);

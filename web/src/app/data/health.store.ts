import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, merge, timer } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, notLoaded } from './loadable';
import { Health } from './models';
import { describeProblem } from './problem';

const EVERY_MS = 4000;
const RANK = ['down', 'missing', 'degraded', 'waiting', 'starting', 'ok'];

/** A process or a neighbour of the platform; `sentence` is what its state means for the user. */
export interface Part {
  name: string;
  title: string;
  state: string;
  sentence: string;
  detail: string;
}

/** Whether each part of the platform does its work, and what it means when one does not. */
export const HealthStore = signalStore(
  { providedIn: 'root' },
  withState<{ health: Loadable<Health> }>({ health: notLoaded() }),
  withComputed(({ health }) => ({
    parts: computed<Part[]>(() => partsOf(health().value)),
  })),
  withComputed(({ parts }) => ({
    /** What is not as it should be, worst first. */
    troubles: computed(() =>
      parts()
        .filter(({ state }) => state !== 'ok')
        .sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state)),
    ),
  })),
  withMethods((store, backend = inject(Backend)) => ({
    async load(): Promise<void> {
      try {
        patchState(store, { health: loaded(await backend.readHealth()) });
      } catch (error) {
        patchState(store, { health: failed(store.health(), describeProblem('read the health', error)) });
      }
    },
  })),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      merge(timer(0, EVERY_MS), link.health, link.resumes)
        .pipe(auditTime(50), takeUntilDestroyed(destroyed))
        .subscribe(() => void store.load());
    },
  }),
);

function partsOf(health: Health | undefined): Part[] {
  const processes = (health?.processes ?? []).map(({ name, title, state, sentence, detail }) => ({
    name,
    title,
    state,
    sentence,
    detail,
  }));
  const neighbours = (health?.parts ?? []).map(({ name, title, status, sentence, latency_ms }) => ({
    name,
    title,
    state: status,
    sentence,
    detail: latency_ms === null ? '' : `answers in ${latency_ms.toFixed(1)} ms`,
  }));
  return [...neighbours, ...processes];
}

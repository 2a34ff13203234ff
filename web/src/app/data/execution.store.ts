import { HttpErrorResponse } from '@angular/common/http';
import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { auditTime, filter, merge, tap } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { ExecutionDetail, LiveEvent } from './models';
import { describeProblem } from './problem';

interface ExecutionState {
  id: string;
  detail: Loadable<ExecutionDetail>;
  log: LiveEvent[];
}

const MOST_TRIES = 3;
const RETRY_MS = 2500;
const OVER = new Set(['completed', 'failed', 'cancelled', 'suppressed']);

/** One execution, watched: provided by the page that shows it, gone with it. */
export const ExecutionStore = signalStore(
  withState<ExecutionState>({ id: '', detail: notLoaded(), log: [] }),
  withComputed(({ detail }) => ({
    isOver: computed(() => OVER.has(detail().value?.status ?? '')),
    steps: computed(() => detail().value?.steps ?? []),
  })),
  withMethods((store, backend = inject(Backend), link = inject(LiveLink), destroyed = inject(DestroyRef)) => {
    let tries = 0;
    let retry: ReturnType<typeof setTimeout> | undefined;
    destroyed.onDestroy(() => clearTimeout(retry));

    /** Adds events to the log once each, in order. */
    function addToLog(events: readonly LiveEvent[]): void {
      const bySeq = new Map(store.log().map((event) => [event.seq, event]));
      for (const event of events) {
        bySeq.set(event.seq, event);
      }
      patchState(store, { log: [...bySeq.values()].sort((a, b) => a.seq - b.seq) });
    }

    /** A firing's execution may not be there yet: asks again a few times. */
    function awaitBirth(error: unknown): void {
      const isMissing = error instanceof HttpErrorResponse && error.status === 404;
      if (isMissing && store.detail().value === undefined && tries < MOST_TRIES) {
        tries += 1;
        clearTimeout(retry);
        retry = setTimeout(() => void load(), RETRY_MS);
      }
    }

    async function load(): Promise<void> {
      const id = store.id();
      patchState(store, { detail: loading(store.detail()) });
      try {
        const detail = await backend.readExecution(id);
        if (store.id() === id) {
          patchState(store, { detail: loaded(detail) });
        }
      } catch (error) {
        if (store.id() === id) {
          awaitBirth(error);
          patchState(store, { detail: failed(store.detail(), describeProblem('load the execution', error)) });
        }
      }
    }

    async function loadLog(): Promise<void> {
      const id = store.id();
      try {
        const events = await backend.listEvents(id, store.log().at(-1)?.seq ?? 0);
        if (store.id() === id) {
          addToLog(events);
          link.takeEvents(link.isLive() ? [] : events);
        }
      } catch {
        // The link chip says that the server does not answer; the next poll reads what is missing.
      }
    }

    return {
      addToLog,
      load,
      loadLog,
      async open(id: string): Promise<void> {
        tries = 0;
        patchState(store, { id, detail: notLoaded(), log: [] });
        await Promise.all([load(), loadLog()]);
      },
    };
  }),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const own = link.events.pipe(
        filter(({ execution_id }) => execution_id === store.id()),
        tap((event) => store.addToLog([event])),
      );
      const asked = merge(link.polls, link.resumes).pipe(
        filter(() => store.id() !== '' && !store.isOver()),
        tap(() => void store.loadLog()),
      );
      merge(own, asked)
        .pipe(auditTime(100), takeUntilDestroyed(destroyed))
        .subscribe(() => void store.load());
    },
  }),
);

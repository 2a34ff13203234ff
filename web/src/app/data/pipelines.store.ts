import { computed, DestroyRef, inject } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { patchState, signalStore, withComputed, withHooks, withMethods, withState } from '@ngrx/signals';
import { debounceTime, filter, merge } from 'rxjs';

import { Backend } from './backend';
import { LiveLink } from './live-link';
import { failed, Loadable, loaded, loading, notLoaded } from './loadable';
import { PipelineSummary } from './models';
import { describeProblem, Problem } from './problem';

interface PipelinesState {
  list: Loadable<PipelineSummary[]>;
  /** Pipelines of which a verb is under way. */
  busy: string[];
  /** Why the last verb failed. */
  refusal: Problem | undefined;
}

const CHANGING = new Set(['pipeline_changed', 'execution_queued', 'execution_started', 'execution_suppressed']);

/** The user's pipelines with the state of their triggers. */
export const PipelinesStore = signalStore(
  { providedIn: 'root' },
  withState<PipelinesState>({ list: notLoaded(), busy: [], refusal: undefined }),
  withComputed(({ list }) => ({
    all: computed(() => list().value ?? []),
    byId: computed(() => new Map((list().value ?? []).map((pipeline) => [pipeline.id, pipeline]))),
    active: computed(() => (list().value ?? []).filter(({ state }) => state === 'active' || state === 'paused')),
  })),
  withMethods((store, backend = inject(Backend)) => {
    async function load(): Promise<void> {
      patchState(store, { list: loading(store.list()) });
      try {
        patchState(store, { list: loaded(await backend.listPipelines()) });
      } catch (error) {
        patchState(store, { list: failed(store.list(), describeProblem('load pipelines', error)) });
      }
    }

    /** Returns what the verb returned, undefined when it was refused. */
    async function act<T>(id: string, what: string, verb: (id: string) => Promise<T>): Promise<T | undefined> {
      patchState(store, { busy: [...store.busy(), id], refusal: undefined });
      try {
        const result = await verb(id);
        await load();
        return result;
      } catch (error) {
        patchState(store, { refusal: describeProblem(what, error) });
        return undefined;
      } finally {
        patchState(store, { busy: store.busy().filter((other) => other !== id) });
      }
    }

    return {
      load,
      pausePipeline: (id: string) => act(id, 'pause the pipeline', (it) => backend.pausePipeline(it)),
      resumePipeline: (id: string) => act(id, 'resume the pipeline', (it) => backend.resumePipeline(it)),
      firePipeline: (id: string) => act(id, 'fire the pipeline', (it) => backend.firePipeline(it)),
      dismissRefusal: () => patchState(store, { refusal: undefined }),
    };
  }),
  withHooks({
    onInit(store, link = inject(LiveLink), destroyed = inject(DestroyRef)) {
      const changes = link.events.pipe(filter(({ event }) => CHANGING.has(event)));
      merge(changes, link.polls, link.resumes)
        .pipe(
          filter(() => store.list().loadedAt !== undefined),
          debounceTime(150),
          takeUntilDestroyed(destroyed),
        )
        .subscribe(() => void store.load());
    },
  }),
);

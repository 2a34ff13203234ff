import { Problem } from './problem';

/** A value that comes from the server: there may be none yet, an old one, or a failure beside an old one. */
export interface Loadable<T> {
  readonly value: T | undefined;
  readonly isLoading: boolean;
  readonly problem: Problem | undefined;
  /** When `value` was read, epoch ms. */
  readonly loadedAt: number | undefined;
}

export function notLoaded(): Loadable<never> {
  return { value: undefined, isLoading: false, problem: undefined, loadedAt: undefined };
}

export function loading<T>(before: Loadable<T>): Loadable<T> {
  return { ...before, isLoading: true };
}

export function loaded<T>(value: T): Loadable<T> {
  return { value, isLoading: false, problem: undefined, loadedAt: Date.now() };
}

/** Keeps the old value: stale is better than gone, and the page says that it is stale. */
export function failed<T>(before: Loadable<T>, problem: Problem): Loadable<T> {
  return { ...before, isLoading: false, problem };
}

import { HttpErrorResponse, HttpInterceptorFn } from '@angular/common/http';
import { inject } from '@angular/core';
import { Router } from '@angular/router';
import { catchError, from, switchMap, tap, throwError } from 'rxjs';

import { LiveLink } from './live-link';
import { SessionStore } from './session.store';

/** Calls whose 401 is an answer and not an ended session. */
const ASKING_WHO = ['/auth/login', '/auth/logout', '/auth/refresh'];

/**
 * Renews an ended session once and sends the call again; when that is refused, leads to the login, keeping the wanted
 * address. Tells the link whether the server answers.
 */
export const sessionInterceptor: HttpInterceptorFn = (request, next) => {
  const router = inject(Router);
  const link = inject(LiveLink);
  const session = inject(SessionStore);
  return next(request).pipe(
    tap({
      next: () => link.noteAnswer(true),
      error: (error: unknown) => {
        const status = statusOf(error);
        link.noteAnswer(status !== 0 && status !== 502 && status !== 504);
      },
    }),
    catchError((error: unknown) => {
      if (statusOf(error) !== 401 || ASKING_WHO.some((path) => request.url.endsWith(path))) {
        return throwError(() => error);
      }
      return from(session.renew()).pipe(
        switchMap((isRenewed) => {
          if (isRenewed) {
            return next(request);
          }
          session.forget();
          if (!router.url.startsWith('/login') && router.navigated) {
            void router.navigate(['/login'], { queryParams: { next: router.url } });
          }
          return throwError(() => error);
        }),
      );
    }),
  );
};

function statusOf(error: unknown): number {
  return error instanceof HttpErrorResponse ? error.status : -1;
}

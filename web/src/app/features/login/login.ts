import { HttpErrorResponse } from '@angular/common/http';
import { Component, inject, input, signal } from '@angular/core';
import { Router } from '@angular/router';

import { describeProblem } from '../../data/problem';
import { SessionStore } from '../../data/session.store';

/** The way in. Loads nothing heavy. */
@Component({
  selector: 'tw-login',
  templateUrl: './login.html',
  styleUrl: './login.css',
})
export class Login {
  private readonly router = inject(Router);
  private readonly session = inject(SessionStore);

  /** The address that was wanted before. */
  readonly next = input<string>();

  protected readonly refusal = signal('');
  protected readonly isBusy = signal(false);

  protected async logIn(event: Event, email: string, password: string): Promise<void> {
    event.preventDefault();
    this.isBusy.set(true);
    this.refusal.set('');
    try {
      await this.session.logIn(email.trim(), password);
      await this.router.navigateByUrl(ownAddress(this.next()));
    } catch (error) {
      this.refusal.set(sentence(error));
    } finally {
      this.isBusy.set(false);
    }
  }
}

/** Only an address of this page is followed, never one of another host. */
function ownAddress(next: string | undefined): string {
  return next?.startsWith('/') && !next.startsWith('//') && !next.startsWith('/login') ? next : '/dashboard';
}

function sentence(error: unknown): string {
  if (error instanceof HttpErrorResponse && (error.status === 401 || error.status === 422)) {
    return 'Email or password is wrong.';
  }
  const problem = describeProblem('log in', error);
  return `${problem.title} ${problem.advice}`;
}

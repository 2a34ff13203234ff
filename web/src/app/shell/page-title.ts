import { inject, Injectable, signal } from '@angular/core';
import { Title } from '@angular/platform-browser';
import { RouterStateSnapshot, TitleStrategy } from '@angular/router';

/** The title of the page, in the browser's tab and in the top bar. */
@Injectable({ providedIn: 'root' })
export class PageTitle extends TitleStrategy {
  private readonly document = inject(Title);
  private readonly text = signal('');

  readonly current = this.text.asReadonly();

  override updateTitle(snapshot: RouterStateSnapshot): void {
    const title = this.buildTitle(snapshot) ?? 'Tapewatch';
    this.text.set(title);
    this.document.setTitle(title === 'Tapewatch' ? title : `${title} · Tapewatch`);
  }
}

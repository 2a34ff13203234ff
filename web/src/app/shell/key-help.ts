import { Component, ElementRef, viewChild } from '@angular/core';

import { Icon } from '../ui/icon';
import { SHORTCUTS } from './shortcuts';

/** The list of keys. */
@Component({
  selector: 'tw-key-help',
  imports: [Icon],
  template: `
    <dialog #dialog aria-labelledby="keys-title">
      <header>
        <h2 id="keys-title">Keys</h2>
        <button type="button" class="quiet icon" aria-label="Close" (click)="close()"><tw-icon name="cross" /></button>
      </header>
      <dl>
        @for (shortcut of shortcuts; track shortcut.keys) {
          <div>
            <dt>{{ shortcut.does }}</dt>
            <dd>
              @for (key of shortcut.keys.split(' '); track key) {
                <kbd>{{ key }}</kbd>
              }
            </dd>
          </div>
        }
      </dl>
    </dialog>
  `,
  styles: `
    dialog {
      width: 360px;
    }
    header {
      display: flex;
      justify-content: space-between;
      align-items: center;
      padding: 8px 8px 8px 14px;
      border-bottom: 1px solid var(--line);
    }
    dl {
      padding: 8px 14px 14px;
    }
    div {
      display: flex;
      justify-content: space-between;
      align-items: center;
      height: 30px;
    }
    dd {
      display: flex;
      gap: 4px;
    }
  `,
})
export class KeyHelp {
  protected readonly shortcuts = SHORTCUTS;
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');

  show(): void {
    this.dialog().nativeElement.showModal();
  }

  protected close(): void {
    this.dialog().nativeElement.close();
  }
}

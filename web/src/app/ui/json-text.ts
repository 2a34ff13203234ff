import { Component, computed, input } from '@angular/core';

/** JSON as text, to read and to copy. */
@Component({
  selector: 'tw-json-text',
  template: `<pre class="text" tabindex="0" [attr.aria-label]="label()">{{ text() }}</pre>`,
  styles: `
    pre {
      max-height: 520px;
    }
  `,
})
export class JsonText {
  readonly value = input.required<unknown>();
  readonly label = input('JSON');
  protected readonly text = computed(() => JSON.stringify(this.value(), null, 2));
}

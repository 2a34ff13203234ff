import { Component, computed, input } from '@angular/core';

/** Line drawings on a 16 px grid. */
const PATHS = {
  market: 'M2 11.5l3.5-4 3 2.5L14 3.5M10.5 3.5H14V7',
  pipelines: 'M2.5 4h3v3h-3zM10.5 9h3v3h-3zM5.5 5.5h3.5a1 1 0 0 1 1 1V9',
  executions: 'M4 3l8 5-8 5z',
  reports: 'M4 2.5h5.5L12 5v8.5H4zM6 7h4M6 9.5h4',
  billing: 'M2.5 4.5h11v7h-11zM2.5 7h11M5 9.5h2',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5l7 4.5-7 4.5z',
  bolt: 'M9 2L4 9h3.5L7 14l5-7H8.5z',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5L14 14',
  up: 'M8 12.5v-9M4.5 7L8 3.5 11.5 7',
  down: 'M8 3.5v9M4.5 9L8 12.5 11.5 9',
  check: 'M3 8.5l3.2 3.2L13 4.8',
  cross: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3.2l2 1.3',
  data: 'M3 4.2C3 3 13 3 13 4.2S3 5.4 3 4.2zM3 4.2v7.6c0 1.2 10 1.2 10 0V4.2M3 8c0 1.2 10 1.2 10 0',
  analysis: 'M3 13V8M6.5 13V4M10 13V9.5M13.5 13V6',
  risk: 'M8 2.5l5 2v3.6c0 2.8-2 4.6-5 5.4-3-.8-5-2.6-5-5.400V4.500z',
  execution: 'M2.5 8h9M8.5 4.500L12 8l-3.5 3.500M14 3.500v9',
  skip: 'M4 8h8',
  print: 'M4.5 6V2.500h7V6M4.5 11h-2V6h11v5h-2M4.5 9h7v4.500h-7z',
  table: 'M2.5 3.500h11v9h-11zM2.5 6.500h11M6.5 6.500v6',
  alert: 'M8 2.500L14 13H2zM8 6.500v3M8 11.200v.1',
  back: 'M13 8H3M7 4L3 8l4 4',
  external: 'M9.5 3H13v3.500M13 3L7.5 8.500M11.5 9.500v3.500h-8.500v-8.500h3.5',
  exit: 'M9.5 2.500h-6v11h6M7 8h7M11.5 5.500L14 8l-2.5 2.5',
  keyboard: 'M1.5 4h13v8h-13zM4 6.500h.1M6.7 6.500h.1M9.4 6.500h.1M12 6.500h.1M5 9.500h6',
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside words, hidden from readers: the words say it. */
@Component({
  selector: 'tw-icon',
  template: `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path [attr.d]="path()" /></svg>`,
  styles: `
    :host {
      display: inline-flex;
      flex: none;
    }
    path {
      fill: none;
      stroke: currentColor;
      stroke-width: 1.4;
      stroke-linecap: round;
      stroke-linejoin: round;
    }
  `,
})
export class Icon {
  readonly name = input.required<IconName>();
  protected readonly path = computed(() => PATHS[this.name()]);
}

import { Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';

import { ReportsStore } from '../../data/reports.store';
import { ContentState } from '../../ui/content-state';
import { shortSymbol, zoneName } from '../../ui/format';
import { TimeMark } from '../../ui/time-mark';

/** What the executions reported, newest first. */
@Component({
  selector: 'tw-report-list',
  imports: [ContentState, RouterLink, TimeMark],
  template: `
    <div class="page">
      <section class="panel" aria-labelledby="list-title">
        <header><h2 id="list-title">Reports</h2></header>
        <tw-content-state
          [content]="store.list()"
          [rows]="8"
          empty="No report yet. Each execution ends with one."
          (retry)="store.load()"
        />
        @if (rows().length) {
          <div class="scroll" tabindex="0" role="region" aria-label="Reports">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Report</th>
                  <th scope="col">Symbol</th>
                  <th scope="col">Summary</th>
                  <th scope="col">Pipeline</th>
                  <th scope="col">By</th>
                  <th scope="col" class="num">Written ({{ zone }})</th>
                </tr>
              </thead>
              <tbody>
                @for (row of rows(); track row.id) {
                  <tr>
                    <td>
                      <a [routerLink]="['/reports', row.id]">{{ row.title }}</a>
                    </td>
                    <td>{{ row.symbol }}</td>
                    <td class="wide muted" [title]="row.summary">{{ row.summary }}</td>
                    <td class="muted">{{ row.pipeline }}</td>
                    <td class="muted">{{ row.by }}</td>
                    <td class="num muted"><tw-time [at]="row.at" /></td>
                  </tr>
                }
              </tbody>
            </table>
          </div>
        }
      </section>
    </div>
  `,
})
export class ReportList {
  protected readonly store = inject(ReportsStore);
  protected readonly zone = zoneName();
  protected readonly rows = computed(() =>
    this.store.all().map((report) => ({
      id: report.id,
      title: report.title || 'Report',
      symbol: shortSymbol(report.symbol),
      summary: report.summary,
      pipeline: report.pipeline_name,
      by: report.model || report.provider,
      at: report.created_at,
    })),
  );

  constructor() {
    void this.store.load();
  }
}

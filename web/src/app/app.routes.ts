import { Routes } from '@angular/router';

import { sessionGuard } from './data/session-guard';

export const routes: Routes = [
  { path: 'login', title: 'Log in', loadComponent: () => import('./features/login/login').then((m) => m.Login) },
  {
    path: '',
    canActivate: [sessionGuard],
    loadComponent: () => import('./shell/shell').then((m) => m.Shell),
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'dashboard' },
      {
        path: 'dashboard',
        title: 'Dashboard',
        loadComponent: () => import('./features/market/dashboard').then((m) => m.Dashboard),
      },
      {
        path: 'pipelines',
        title: 'Pipelines',
        loadComponent: () => import('./features/pipelines/pipeline-list').then((m) => m.PipelineList),
      },
      {
        path: 'pipelines/:id',
        title: 'Pipeline',
        loadComponent: () => import('./features/pipelines/pipeline-page').then((m) => m.PipelinePage),
      },
      {
        path: 'executions',
        title: 'Executions',
        loadComponent: () => import('./features/executions/execution-list').then((m) => m.ExecutionList),
      },
      {
        path: 'executions/:id',
        title: 'Execution',
        loadComponent: () => import('./features/executions/execution-page').then((m) => m.ExecutionPage),
      },
      {
        path: 'reports',
        title: 'Reports',
        loadComponent: () => import('./features/reports/report-list').then((m) => m.ReportList),
      },
      {
        path: 'reports/:id',
        title: 'Report',
        loadComponent: () => import('./features/reports/report-page').then((m) => m.ReportPage),
      },
      {
        path: 'billing',
        title: 'Billing',
        loadComponent: () => import('./features/billing/billing').then((m) => m.Billing),
      },
      {
        path: '**',
        title: 'Not found',
        loadComponent: () => import('./shell/not-found').then((m) => m.NotFound),
      },
    ],
  },
];

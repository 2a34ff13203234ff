import eslint from '@eslint/js';
import angular from 'angular-eslint';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** A feature is whole by itself: what two of them need lives in `ui` or `data`. */
const FEATURES = ['billing', 'executions', 'login', 'market', 'pipelines', 'reports'];

const CLIENT = {
  group: ['**/data/client/**'],
  message: 'The API is spoken by data alone: use a store or a model of it.',
};

const featureWalls = FEATURES.map((feature) => ({
  files: [`src/app/features/${feature}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          CLIENT,
          ...FEATURES.filter((other) => other !== feature).map((other) => ({
            group: [`**/features/${other}/**`, `**/${other}/**`, '!**/data/**', '!**/ui/**'],
            message: 'A feature does not import another feature: move what is shared to ui or data.',
          })),
        ],
      },
    ],
  },
}));

export default defineConfig(
  { ignores: ['src/app/data/client/**'] },
  {
    files: ['src/**/*.ts'],
    extends: [
      eslint.configs.recommended,
      ...tseslint.configs.strictTypeChecked,
      ...tseslint.configs.stylisticTypeChecked,
      ...angular.configs.tsRecommended,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    processor: angular.processInlineTemplates,
    rules: {
      '@angular-eslint/component-selector': ['error', { type: 'element', prefix: 'tw', style: 'kebab-case' }],
      '@angular-eslint/directive-selector': ['error', { type: 'attribute', prefix: 'tw', style: 'camelCase' }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  ...featureWalls,
  {
    files: ['src/app/{shell,ui}/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [CLIENT] }] },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      // What a model or the news wrote is shown as text, never as markup.
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Bind text.' },
        { property: 'bypassSecurityTrustHtml', message: 'Bind text.' },
      ],
    },
  },
  {
    files: ['src/**/*.html'],
    extends: [...angular.configs.templateRecommended, ...angular.configs.templateAccessibility],
    rules: { '@angular-eslint/template/prefer-control-flow': 'error' },
  },
);

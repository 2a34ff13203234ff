import { Component, computed, input, output } from '@angular/core';

import { PipelineEdge, PipelineNode } from '../../data/models';
import { agentName } from '../format';
import { Icon } from '../icon';
import { agentIcon, stateWord, toneOf } from '../states';
import { BOX, layOut } from './graph-layout';

const MARGIN = 2;

/** A pipeline as boxes and lines, to read and to follow; each box is a button. */
@Component({
  selector: 'tw-pipeline-graph',
  imports: [Icon],
  templateUrl: './pipeline-graph.html',
  styleUrl: './pipeline-graph.css',
})
export class PipelineGraph {
  readonly nodes = input.required<readonly PipelineNode[]>();
  readonly edges = input.required<readonly PipelineEdge[]>();
  /** Node id → status of its step, when an execution is shown. */
  readonly statuses = input<Readonly<Record<string, string>>>({});
  readonly selected = input<string>();
  readonly picked = output<string>();

  protected readonly layout = computed(() => layOut(this.nodes(), this.edges()));
  protected readonly width = computed(() => this.layout().width + 2 * MARGIN);
  protected readonly height = computed(() => this.layout().height + 2 * MARGIN);
  protected readonly boxes = computed(() =>
    this.layout().boxes.map(({ node, x, y }) => {
      const status = this.statuses()[node.id] ?? '';
      return {
        id: node.id,
        name: agentName(node.agent_type),
        icon: agentIcon(node.agent_type),
        status,
        said: status ? `, ${stateWord(status)}` : '',
        tone: toneOf(status),
        left: x + MARGIN,
        top: y + MARGIN,
      };
    }),
  );
  protected readonly box = BOX;
  protected readonly shift = `translate(${MARGIN} ${MARGIN})`;
}

import { JsonRecord, PipelineEdge, PipelineNode } from './models';
import { list, record, text } from './reading';

/** Reads nodes and edges out of a stored definition. */
export function readGraph(config: unknown): { nodes: PipelineNode[]; edges: PipelineEdge[] } {
  const body = record(config);
  const nodes = list(body['nodes']).map((entry) => {
    const node = record(entry);
    const config: JsonRecord = record(node['config']);
    return { id: text(node['id']), agent_type: text(node['agent_type']), config };
  });
  const edges = list(body['edges']).map((entry) => {
    const edge = record(entry);
    return { from: text(edge['from']), to: text(edge['to']) };
  });
  return { nodes, edges };
}

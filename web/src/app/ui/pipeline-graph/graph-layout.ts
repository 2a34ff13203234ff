import { PipelineEdge, PipelineNode } from '../../data/models';

export interface Box {
  node: PipelineNode;
  x: number;
  y: number;
}

export interface Wire {
  key: string;
  path: string;
}

export interface Layout {
  boxes: Box[];
  wires: Wire[];
  width: number;
  height: number;
}

export const BOX = { width: 142, height: 44 };
const GAP = { x: 22, y: 16 };

/** Lays the nodes out in columns by their distance from the trigger. The drawn positions of the builder are not
 * needed to follow a chain, and a narrow page has no room for them. */
export function layOut(nodes: readonly PipelineNode[], edges: readonly PipelineEdge[]): Layout {
  const columnOf = columns(nodes, edges);
  const filled = new Map<number, number>();
  const boxes = nodes.map((node) => {
    const column = columnOf.get(node.id) ?? 0;
    const row = filled.get(column) ?? 0;
    filled.set(column, row + 1);
    return { node, x: column * (BOX.width + GAP.x), y: row * (BOX.height + GAP.y) };
  });
  const byId = new Map(boxes.map((box) => [box.node.id, box]));
  const wires = edges.flatMap((edge) => {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    return from && to ? [{ key: `${edge.from}>${edge.to}`, path: wire(from, to) }] : [];
  });
  const width = Math.max(0, ...boxes.map(({ x }) => x + BOX.width));
  const height = Math.max(0, ...boxes.map(({ y }) => y + BOX.height));
  return { boxes, wires, width, height };
}

/** Longest distance from a node without predecessors. A cycle, which the server refuses, ends at the node count. */
function columns(nodes: readonly PipelineNode[], edges: readonly PipelineEdge[]): Map<string, number> {
  const columnOf = new Map(nodes.map(({ id }) => [id, 0]));
  for (let pass = 1; pass < nodes.length; pass += 1) {
    let hasMoved = false;
    for (const { from, to } of edges) {
      const wanted = (columnOf.get(from) ?? 0) + 1;
      if (wanted > (columnOf.get(to) ?? 0) && wanted < nodes.length) {
        columnOf.set(to, wanted);
        hasMoved = true;
      }
    }
    if (!hasMoved) {
      break;
    }
  }
  return columnOf;
}

function wire(from: Box, to: Box): string {
  const x1 = from.x + BOX.width;
  const y1 = from.y + BOX.height / 2;
  const x2 = to.x;
  const y2 = to.y + BOX.height / 2;
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

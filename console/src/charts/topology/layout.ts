/** Where the boxes and nodes of a network stand, in a plane of its own units. */
import type { GraphNode } from "../graph";

export interface Box {
  node: GraphNode;
  /** 0 for a VPC, 1 for what is in it. */
  depth: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Place {
  node: GraphNode;
  x: number;
  y: number;
  radius: number;
}

export interface Layout {
  boxes: Box[];
  places: Place[];
  width: number;
  height: number;
}

export const CELL_WIDTH = 84;
export const CELL_HEIGHT = 50;
const PAD = 14;
const HEAD = 26;
const GAP = 22;
const OUTSIDE_HEIGHT = 92;

interface Block {
  width: number;
  height: number;
  put(x: number, y: number, into: Layout): void;
}

/** Children of each parent; parents that are only named are made up. */
function familyOf(nodes: readonly GraphNode[]) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const children = new Map<string | null, GraphNode[]>();
  const add = (parent: string | null, node: GraphNode) => {
    const list = children.get(parent);
    if (list) list.push(node);
    else children.set(parent, [node]);
  };
  for (const node of nodes) {
    const parent = node.parent && node.parent !== node.id ? node.parent : null;
    add(parent, node);
    if (parent && !byId.has(parent)) {
      const made = { ...node, id: parent, name: parent, kind: boxKind(node.kind), parent: null };
      byId.set(parent, made);
      add(null, made);
    }
  }
  return children;
}

const boxKind = (kind: string): string => (kind === "interface" ? "subnet" : "vpc");

/** Radius by bytes, on a logarithmic scale. */
export const radiusOf = (bytes: number): number =>
  5 + Math.min(6, Math.max(0, Math.log10(Math.max(1, bytes)) - 5));

interface Packing {
  places: { block: Block; x: number; y: number }[];
  width: number;
  height: number;
}

/** Blocks in rows no wider than `most`. */
function rowsOf(blocks: readonly Block[], most: number): Packing {
  const packing: Packing = { places: [], width: 0, height: 0 };
  let [x, y, row] = [0, 0, 0];
  for (const block of blocks) {
    if (x > 0 && x + block.width > most) [x, y, row] = [0, y + row + GAP, 0];
    packing.places.push({ block, x, y });
    x += block.width + GAP;
    row = Math.max(row, block.height);
    packing.width = Math.max(packing.width, x - GAP);
  }
  packing.height = y + row;
  return packing;
}

/** Blocks in rows, so that the whole fits best into a box of that shape. */
function packed(blocks: readonly Block[], aspect: number): Block {
  const order = [...blocks].sort((one, other) => other.height - one.height);
  let best: Packing = { places: [], width: 0, height: 0 };
  let least = Infinity;
  let most = 0;
  for (const block of order) {
    most += block.width + GAP;
    const packing = rowsOf(order, most);
    const size = Math.max(packing.width / aspect, packing.height);
    if (size < least) [best, least] = [packing, size];
  }
  return {
    width: best.width,
    height: best.height,
    put: (left, top, into) => {
      for (const place of best.places) place.block.put(left + place.x, top + place.y, into);
    },
  };
}

/** Nodes in a grid. */
function gridOf(nodes: readonly GraphNode[]): Block {
  const columns = Math.max(1, Math.ceil(Math.sqrt(nodes.length * 0.9)));
  return {
    width: Math.min(columns, Math.max(1, nodes.length)) * CELL_WIDTH,
    height: Math.ceil(nodes.length / columns) * CELL_HEIGHT,
    put: (left, top, into) => {
      nodes.forEach((node, at) => {
        into.places.push({
          node,
          x: left + ((at % columns) + 0.5) * CELL_WIDTH,
          y: top + Math.floor(at / columns) * CELL_HEIGHT + 16,
          radius: radiusOf(node.bytes),
        });
      });
    },
  };
}

function boxOf(
  node: GraphNode,
  depth: number,
  children: ReadonlyMap<string | null, GraphNode[]>,
): Block {
  const inner = contentOf(children.get(node.id) ?? [], depth + 1, children);
  const width = Math.max(inner.width + 2 * PAD, 110);
  const height = inner.height + HEAD + PAD;
  return {
    width,
    height,
    put: (x, y, into) => {
      into.boxes.push({ node, depth, x, y, width, height });
      inner.put(x + (width - inner.width) / 2, y + HEAD, into);
    },
  };
}

function contentOf(
  nodes: readonly GraphNode[],
  depth: number,
  children: ReadonlyMap<string | null, GraphNode[]>,
): Block {
  const byName = (one: GraphNode, other: GraphNode) => one.name.localeCompare(other.name);
  const leaves = nodes.filter((node) => !children.has(node.id)).sort(byName);
  const boxes = nodes.filter((node) => children.has(node.id));
  const blocks = boxes.map((node) => boxOf(node, depth, children));
  if (leaves.length > 0) blocks.push(gridOf(leaves));
  return packed(blocks, 1.6);
}

/** The Internet and services in a row on top, VPCs with their subnets below. */
export function layoutOf(nodes: readonly GraphNode[]): Layout {
  const children = familyOf(nodes);
  const roots = children.get(null) ?? [];
  const boxes = roots.filter((node) => children.has(node.id));
  const outside = roots.filter((node) => !children.has(node.id));
  const into: Layout = { boxes: [], places: [], width: 0, height: 0 };
  const inner = packed(
    boxes.map((node) => boxOf(node, 0, children)),
    2.2,
  );
  const columns = Math.max(
    1,
    Math.min(outside.length, Math.floor(Math.max(inner.width, 900) / 110)),
  );
  const width = Math.max(inner.width, Math.min(outside.length, columns) * 110);
  const rows = Math.ceil(outside.length / columns);
  const top = rows === 0 ? 0 : (rows - 1) * CELL_HEIGHT + OUTSIDE_HEIGHT;
  outside.sort((one, other) => other.bytes - one.bytes);
  outside.forEach((node, at) => {
    const row = Math.floor(at / columns);
    const inRow = Math.min(columns, outside.length - row * columns);
    const x = ((middleOut(at % columns, inRow) + 0.5) / inRow) * width;
    into.places.push({ node, x, y: 18 + row * CELL_HEIGHT, radius: radiusOf(node.bytes) + 2 });
  });
  inner.put((width - inner.width) / 2, top, into);
  into.width = width;
  into.height = top + inner.height;
  return into;
}

/** The largest in the middle: 0, 1, 2, 3 of four stand at 1, 2, 0, 3. */
function middleOut(at: number, of: number): number {
  const middle = Math.floor((of - 1) / 2);
  const step = Math.ceil(at / 2);
  return at % 2 === 1 ? middle + step : middle - step;
}

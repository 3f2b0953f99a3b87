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
  /** Half of its size: a card is wider than high, all else is as wide as high. */
  radius: number;
  halfWidth: number;
  halfHeight: number;
}

export interface Layout {
  boxes: Box[];
  places: Place[];
  width: number;
  height: number;
  /** Height of the line over the content of a box. */
  head: number;
}

export const CELL_WIDTH = 84;
export const CELL_HEIGHT = 50;
/** VPCs and subnets without anything in them are cards with their name on it. */
const CARD = { halfWidth: 82, halfHeight: 22 };
const CARD_CELL = { width: 214, height: 96 };
/** A few cards alone stand apart, so that what goes between them is seen. */
const LONE_CELL = { width: 330, height: 170 };
const LONE_MAX = 16;
const PAD = 14;
const HEAD = 26;
/** Of many nodes less is seen of each; heads grow, so that names of boxes can still be read. */
const HEAD_OF_MANY = 42;
const MANY = 150;
const GAP = 22;
const OUTSIDE_HEIGHT = 92;
const OUTSIDE_HEIGHT_OF_MANY = 150;

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

export const isCard = (node: GraphNode): boolean => node.kind === "vpc" || node.kind === "subnet";

function placeOf(node: GraphNode, x: number, y: number, more = 0): Place {
  if (isCard(node)) return { node, x, y, radius: CARD.halfHeight, ...CARD };
  const radius = radiusOf(node.bytes) + more;
  return { node, x, y, radius, halfWidth: radius, halfHeight: radius };
}

interface Cell {
  width: number;
  height: number;
}

/** Nodes in a grid. */
function gridOf(nodes: readonly GraphNode[], cell: Cell, aspect = 0.9): Block {
  const columns = Math.max(1, Math.ceil(Math.sqrt(nodes.length * aspect)));
  const card = nodes[0] !== undefined && isCard(nodes[0]);
  return {
    width: Math.min(columns, Math.max(1, nodes.length)) * cell.width,
    height: Math.ceil(nodes.length / columns) * cell.height,
    put: (left, top, into) => {
      nodes.forEach((node, at) => {
        const x = left + ((at % columns) + 0.5) * cell.width;
        const row = top + Math.floor(at / columns) * cell.height;
        into.places.push(placeOf(node, x, row + (card ? cell.height / 2 : 16)));
      });
    },
  };
}

interface Family {
  children: ReadonlyMap<string | null, GraphNode[]>;
  head: number;
}

function boxOf(node: GraphNode, depth: number, family: Family): Block {
  const inner = contentOf(family.children.get(node.id) ?? [], depth + 1, family);
  const width = Math.max(inner.width + 2 * PAD, 110);
  const height = inner.height + family.head + PAD;
  return {
    width,
    height,
    put: (x, y, into) => {
      into.boxes.push({ node, depth, x, y, width, height });
      inner.put(x + (width - inner.width) / 2, y + family.head, into);
    },
  };
}

function contentOf(nodes: readonly GraphNode[], depth: number, family: Family): Block {
  const byName = (one: GraphNode, other: GraphNode) =>
    one.name.localeCompare(other.name, "en", { numeric: true });
  const leaves = nodes.filter((node) => !family.children.has(node.id)).sort(byName);
  const boxes = nodes.filter((node) => family.children.has(node.id));
  const blocks = boxes.map((node) => boxOf(node, depth, family));
  const dots = leaves.filter((node) => !isCard(node));
  const cards = leaves.filter(isCard);
  if (dots.length > 0) blocks.push(gridOf(dots, { width: CELL_WIDTH, height: CELL_HEIGHT }));
  if (cards.length > 0) blocks.push(gridOf(cards, CARD_CELL));
  return packed(blocks, 1.6);
}

/** The Internet and services in a row on top, VPCs with their subnets below. */
export function layoutOf(nodes: readonly GraphNode[]): Layout {
  const children = familyOf(nodes);
  const family = { children, head: nodes.length > MANY ? HEAD_OF_MANY : HEAD };
  const roots = children.get(null) ?? [];
  const boxes = roots.filter((node) => children.has(node.id));
  const cards = roots.filter((node) => !children.has(node.id) && isCard(node));
  const outside = roots.filter((node) => !children.has(node.id) && !isCard(node));
  const into: Layout = { boxes: [], places: [], width: 0, height: 0, head: family.head };
  const blocks = boxes.map((node) => boxOf(node, 0, family));
  if (cards.length > 0) {
    const lone = boxes.length === 0 && cards.length <= LONE_MAX;
    blocks.push(gridOf(cards, lone ? LONE_CELL : CARD_CELL, lone ? 1.4 : 0.9));
  }
  const inner = packed(blocks, 2.2);
  const columns = Math.max(
    1,
    Math.min(outside.length, Math.floor(Math.max(inner.width, 900) / 130)),
  );
  const width = Math.max(inner.width, Math.min(outside.length, columns) * 130);
  const rows = Math.ceil(outside.length / columns);
  const over = nodes.length > MANY ? OUTSIDE_HEIGHT_OF_MANY : OUTSIDE_HEIGHT;
  const top = rows === 0 ? 0 : (rows - 1) * CELL_HEIGHT + over;
  outside.sort((one, other) => other.bytes - one.bytes);
  outside.forEach((node, at) => {
    const row = Math.floor(at / columns);
    const inRow = Math.min(columns, outside.length - row * columns);
    const x = ((middleOut(at % columns, inRow) + 0.5) / inRow) * width;
    into.places.push(placeOf(node, x, 18 + row * CELL_HEIGHT, 3));
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

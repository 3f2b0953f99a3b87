import { describe, expect, it } from "vitest";
import { network } from "../gallery/data";
import { layoutOf } from "./layout";
import { curveAt, curvesOf, fitted, nextPlace, placeAt, zoomed } from "./view";

const { nodes, links } = network(500);
const layout = layoutOf(nodes);

describe("layoutOf", () => {
  it("gives every node without children one place, and no two the same", () => {
    const parents = new Set(nodes.map((node) => node.parent));
    const leaves = nodes.filter((node) => !parents.has(node.id));
    expect(layout.places.map((place) => place.node.id).sort()).toEqual(
      leaves.map((node) => node.id).sort(),
    );
    expect(new Set(layout.places.map((place) => `${place.x} ${place.y}`)).size).toBe(leaves.length);
  });
  it("keeps nodes inside the box of their parent", () => {
    for (const box of layout.boxes)
      for (const place of layout.places.filter((one) => one.node.parent === box.node.id)) {
        expect(place.x).toBeGreaterThan(box.x);
        expect(place.x).toBeLessThan(box.x + box.width);
        expect(place.y).toBeGreaterThan(box.y);
        expect(place.y).toBeLessThan(box.y + box.height);
      }
  });
  it("makes up the box of a parent that is only named", () => {
    const lone = layoutOf([
      { ...nodes[0], id: "eni", kind: "interface", parent: "subnet-x" } as never,
    ]);
    expect(lone.boxes.map((box) => box.node.id)).toEqual(["subnet-x"]);
  });
});

describe("the view", () => {
  const size = { width: 800, height: 500 };
  const view = fitted(layout, size);
  it("shows all of it at first", () => {
    for (const place of layout.places) {
      expect(place.x * view.scale + view.x).toBeGreaterThanOrEqual(0);
      expect(place.x * view.scale + view.x).toBeLessThanOrEqual(size.width);
      expect(place.y * view.scale + view.y).toBeLessThanOrEqual(size.height);
    }
  });
  it("zooms about the point under the pointer", () => {
    const near = zoomed(view, 2, 100, 100);
    expect((100 - near.x) / near.scale).toBeCloseTo((100 - view.x) / view.scale);
  });
  it("finds nodes and links under a point", () => {
    const place = layout.places[7];
    if (!place) throw new Error("no place");
    const at = (of: number, by: number) => of * view.scale + by;
    expect(placeAt(layout, view, at(place.x, view.x), at(place.y, view.y))).toBe(place);
    const [curve] = curvesOf(layout, links);
    if (!curve) throw new Error("no curve");
    const x = (curve.from.x + 2 * curve.bx + curve.to.x) / 4;
    const y = (curve.from.y + 2 * curve.by + curve.to.y) / 4;
    expect(curveAt([curve], view, at(x, view.x), at(y, view.y))).toBe(curve);
  });
  it("moves by arrow keys, and back", () => {
    const first = layout.places.find((place) => place.node.kind === "interface") ?? null;
    const right = nextPlace(layout, first, "ArrowRight");
    expect(right?.x).toBeGreaterThan(first?.x ?? 0);
    expect(nextPlace(layout, right, "ArrowLeft")).toBe(first);
    expect(nextPlace(layout, first, "a")).toBeNull();
  });
});

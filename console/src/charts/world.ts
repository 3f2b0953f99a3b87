/** The shapes of countries; with the data of the map, a chunk of its own. */
import { geoNaturalEarth1, geoPath } from "d3-geo";
import type { FeatureCollection, Geometry } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import data from "world-atlas/countries-110m.json";

export const WIDTH = 640;
export const HEIGHT = 336;

export interface CountryShape {
  /** Two letters (ISO 3166-1); the name where there are none. */
  code: string;
  name: string;
  path: string;
  /** Middle of the country on the map. */
  x: number;
  y: number;
}

/** Two letters of a numeric country code: locales know both. */
function lettersOf(numeric: string | number | undefined): string | null {
  if (numeric === undefined) return null;
  return new Intl.Locale(`und-${String(numeric).padStart(3, "0")}`).region ?? null;
}

/** The largest part of a country: the middle of France is not between Europe and Guiana. */
function mainPart(geometry: Geometry): Geometry {
  if (geometry.type !== "MultiPolygon") return geometry;
  const size = (rings: number[][][]) => path.area({ type: "Polygon", coordinates: rings });
  const parts = [...geometry.coordinates].sort((one, other) => size(other) - size(one));
  return { type: "Polygon", coordinates: parts[0] ?? [] };
}

const topology = data as unknown as Topology<{
  countries: GeometryCollection<{ name: string }>;
}>;
const all = feature(topology, topology.objects.countries);
const lands: FeatureCollection<Geometry, { name: string }> = {
  ...all,
  features: all.features.filter((land) => land.properties.name !== "Antarctica"),
};
// Turned so that the cut runs through the Bering Strait and Russia stays in one piece.
const projection = geoNaturalEarth1()
  .rotate([-11, 0])
  .fitExtent(
    [
      [6, 2],
      [WIDTH - 6, HEIGHT - 2],
    ],
    lands,
  );
const path = geoPath(projection);

export const COUNTRIES: readonly CountryShape[] = lands.features.map((land) => {
  const [x, y] = path.centroid(mainPart(land.geometry));
  const name = land.properties.name;
  return { code: lettersOf(land.id) ?? name, name, path: path(land) ?? "", x, y };
});

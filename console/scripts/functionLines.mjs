// Prints each function of the pages that is longer than a bound, as `file:line name lines`, one a line.
// Usage: node scripts/functionLines.mjs MOST, in console/. Tests are not asked.
// Biome's own rule leaves the lines of JSX out, so TypeScript's parser counts here.
import { globSync, readFileSync } from "node:fs";
import ts from "typescript";

const most = Number(process.argv[2]);

function nameOf(node) {
  const named = node.name ?? node.parent.name;
  return named && ts.isIdentifier(named) ? named.text : "a function without a name";
}

function visit(node, file) {
  if (ts.isFunctionLike(node) && node.body) {
    const line = (position) => file.getLineAndCharacterOfPosition(position).line + 1;
    const first = line(node.getStart(file));
    const lines = line(node.end) - first + 1;
    if (lines > most) console.log(`${file.fileName}:${first} ${nameOf(node)} ${lines}`);
  }
  ts.forEachChild(node, (child) => visit(child, file));
}

for (const name of globSync("src/**/*.{ts,tsx}").sort()) {
  if (/\.test\.tsx?$|schema\.d\.ts$/.test(name)) continue;
  const file = ts.createSourceFile(name, readFileSync(name, "utf-8"), ts.ScriptTarget.Latest, true);
  visit(file, file);
}

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** Imports point only to what stands further left, or into the same folder. */
const ORDER = [
  "core/call",
  "core/settings",
  "core/knowledge",
  "core/shell",
  "core/inquiry",
  "core/layers",
  "core/hooks",
  "core/gate.ts",
  "agents",
  "host",
  "mcp",
  "daemon",
  "doors",
  "cli",
];
const SIDE_BY_SIDE: readonly (readonly [string, string])[] = [
  ["core/settings", "core/knowledge"],
  ["agents", "host"],
];

const root = "src";
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const zone = (file: string): string =>
  ORDER.find((name) => file === name || file.startsWith(`${name}/`)) ??
  (file.includes("/") ? `unknown ${file}` : "doors");
const layer = (file: string): string | undefined => /^core\/layers\/(\d+)-/.exec(file)?.[1];
const edges = files.flatMap((file) =>
  [...readFileSync(join(root, file), "utf8").matchAll(/(?:from|import) ?\(?"(\.[^"]+)"/g)].map(
    (match) => [file, relative(root, join(root, dirname(file), match[1] ?? ""))] as const,
  ),
);

describe("the law of imports", () => {
  it("has a place for every file", () =>
    expect(files.map(zone).filter((name) => name.startsWith("unknown"))).toEqual([]));
  it("points down the list only", () => {
    const wrong = edges.filter(
      ([from, to]) =>
        ORDER.indexOf(zone(to)) > ORDER.indexOf(zone(from)) ||
        SIDE_BY_SIDE.some(
          ([a, b]) => (zone(from) === a && zone(to) === b) || (zone(from) === b && zone(to) === a),
        ),
    );
    expect(wrong.map((edge) => edge.join(" -> "))).toEqual([]);
  });
  it("keeps layers apart", () => {
    const wrong = edges.filter(
      ([from, to]) => layer(from) !== undefined && layer(to) !== undefined && layer(from) !== layer(to),
    );
    expect(wrong.map((edge) => edge.join(" -> "))).toEqual([]);
  });
  it("keeps the machine out of the core", () => {
    const core = files.filter((file) => file.startsWith("core/"));
    const wrong = core.filter((file) =>
      /from "node:|\bDate\.now|\bMath\.random/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(wrong).toEqual([]);
  });
  it("has no module state", () => {
    const wrong = files.filter((file) => /^(?:export )?let /m.test(readFileSync(join(root, file), "utf8")));
    expect(wrong).toEqual([]);
  });
  it("sees the imports it judges", () => expect(edges.length).toBeGreaterThan(100));
});

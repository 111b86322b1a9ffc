import { readFileSync } from "node:fs";
import { parseTree } from "jsonc-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generatedSettings } from "../../../scripts/settings/generated.ts";
import type { Shape } from "../../../src/core/settings/keys.ts";
import { settingsSchema } from "../../../src/core/settings/schema.ts";
import { GROUPS, KEYS } from "../../../src/core/settings/settings.gen.ts";
import { walk } from "../../../src/core/settings/walk.ts";
import { BUILT_IN_LIMITS } from "../../../src/core/settings/limits.ts";

describe("what is made from the schema", async () => {
  const files = await generatedSettings(process.cwd());
  it.each([...files.keys()])("%s is fresh", (path) => {
    expect(
      readFileSync(path, "utf8") === files.get(path),
      "run node scripts/run.mjs scripts/generate-settings.ts",
    ).toBe(true);
  });
  it("publishes no metadata of its own", () => {
    const published: unknown = JSON.parse(files.get("docs/settings.schema.json") ?? "");
    expect(JSON.stringify(published)).not.toContain('"cordon":{"merge"');
    expect(published).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
    });
  });
  it("gives every key a meaning", () => {
    const page = files.get("docs/settings.md") ?? "";
    for (const path of KEYS.keys()) expect(page).toContain(`\`${path.slice(path.lastIndexOf(".") + 1)}\``);
  });
  it("names the built-in limits that hold", () => {
    const schema = readFileSync("src/core/settings/schema.ts", "utf8");
    const units = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;
    for (const [name, value] of Object.entries(BUILT_IN_LIMITS)) {
      const [, said = ""] = new RegExp(`${name}: limit\\([\\s\\S]*?default: "([^"]+)"`).exec(schema) ?? [];
      const unit = said.at(-1);
      const bytes =
        unit === "K" || unit === "M" || unit === "G" ? Number(said.slice(0, -1)) * units[unit] : Number(said);
      expect(said === "none" ? Number.POSITIVE_INFINITY : bytes, name).toBe(value);
    }
  });
});

/** Values of a shape, and values that miss it by a little. */
function near(shape: Shape): fc.Arbitrary<unknown> {
  const wild = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      "",
      "x",
      "disable",
      0,
      1,
      -1,
      1.5,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      {},
      [],
      [[]],
      "*",
    ),
    fc.jsonValue({ maxDepth: 2 }),
  );
  return fc.oneof({ weight: 1, arbitrary: wild }, { weight: 4, arbitrary: fits(shape) });
}

function fits(shape: Shape): fc.Arbitrary<unknown> {
  if (shape === "any") return fc.jsonValue({ maxDepth: 2 });
  if (shape === "boolean") return fc.boolean();
  if (shape === "string" || shape === "text") return fc.string();
  if ("oneOf" in shape) return fc.constantFrom(...shape.oneOf);
  if ("pattern" in shape) {
    return fc.constantFrom(
      "512M",
      "0K",
      "1T",
      "12345678M",
      "*.example.com",
      "a.b:80",
      "[::1]:8080",
      "https://a",
      "a b",
      "/x",
      "x/",
      "*",
      "a..b",
      "a.",
    );
  }
  if ("min" in shape)
    return fc.oneof(fc.integer(), fc.constantFrom(shape.min, shape.min - 1, shape.max, shape.max + 1));
  if ("list" in shape) return fc.array(near(shape.list), { maxLength: 3 });
  if ("map" in shape)
    return fc.dictionary(fc.constantFrom("A", "toString", "constructor", "b c"), near(shape.map));
  if ("either" in shape) return fc.oneof(...shape.either.map((each) => fits(each)));
  const fields = Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, near(field)]));
  return fc
    .tuple(fc.record(fields, { requiredKeys: [] }), fc.constantFrom({}, {}, {}, { odd: 1 }, { toString: 1 }))
    .map(([known, odd]) => ({ ...known, ...odd }));
}

/** A settings object with one key of the table, and now and then a group of another type. */
const settings = fc.constantFrom(...KEYS).chain(([path, { shape }]) =>
  near(shape).chain((value) => {
    const names = path.split(".");
    return fc
      .nat({ max: names.length * 6 })
      .map((cut) =>
        names.reduceRight<unknown>(
          (inner, name, index) => ({ [name]: cut === index && index < names.length - 1 ? value : inner }),
          value,
        ),
      );
  }),
);

function walkerAccepts(value: unknown): boolean {
  const root = parseTree(JSON.stringify(value));
  if (root === undefined) throw new Error("no JSON");
  const { entries, misfits } = walk(root);
  return misfits.length === 0 && entries.every((entry) => entry.misfits.length === 0);
}

describe("the walker and the schema", () => {
  it("accept the same values", () => {
    const verdicts = { accepted: 0, rejected: 0 };
    fc.assert(
      fc.property(settings, (value) => {
        // What JSON cannot say (infinity) is what it becomes on paper.
        const plain: unknown = JSON.parse(JSON.stringify(value));
        const accepted = settingsSchema.safeParse(plain).success;
        verdicts[accepted ? "accepted" : "rejected"] += 1;
        expect(walkerAccepts(plain)).toBe(accepted);
      }),
      { numRuns: 4000 },
    );
    expect(Math.min(verdicts.accepted, verdicts.rejected)).toBeGreaterThan(500);
  });

  it("agree on anything at all", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...GROUPS, "permissions", "deny", "x"), fc.jsonValue({ maxDepth: 3 })),
        (value) => {
          const plain: unknown = JSON.parse(JSON.stringify(value));
          expect(walkerAccepts(plain)).toBe(settingsSchema.safeParse(plain).success);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("refuse a number that JSON writes and no machine holds", () => {
    const text = '{"cordon":{"limits":{"memory":1e400}}}';
    const root = parseTree(text);
    expect(root && walk(root).entries[0]?.misfits.length).toBe(1);
    expect(settingsSchema.safeParse(JSON.parse(text)).success).toBe(false);
  });

  it.each([null, true, 1, "x", [], [{}]])("refuse %j as settings", (value) => {
    expect(settingsSchema.safeParse(value).success).toBe(false);
    expect(walkerAccepts(value)).toBe(false);
  });
});

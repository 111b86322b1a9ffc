import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KEYS } from "../../src/core/settings/settings.gen.ts";
import { managedDirectories, policyPlaces } from "../../src/host/settings/places.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/managed.md"), "utf8");

/** Key and what the table says is done with it. */
const rows = [...page.matchAll(/^\| (`[\w.`, ]+`) +\| (enforced|denies|passed on)[^|]*\|[^|]*\|$/gm)].flatMap(
  ([, keys = "", what = ""]) => [...keys.matchAll(/`([\w.]+)`/g)].map(([, key = ""]) => [key, what] as const),
);

describe("the page on managed settings", () => {
  it("says of every key that counts only there what is done with it", () => {
    const wanted = [...KEYS]
      .filter(([, { scopes }]) => scopes === "managed")
      .map(([key, { merge, denies }]) => {
        // Enforced where the host asks it, which the schema does not know.
        if (key === "policyHelper") return [key, "enforced"];
        return [key, denies !== undefined ? "denies" : merge === "inert" ? "passed on" : "enforced"];
      });
    const byName = ([a = ""]: readonly string[], [b = ""]: readonly string[]): number => (a < b ? -1 : 1);
    expect(rows.toSorted(byName)).toEqual(wanted.toSorted(byName));
  });

  it.each(["linux", "darwin", "win32"])("names the places of %s", (platform) => {
    for (const place of [...managedDirectories(platform), ...policyPlaces(platform)]) {
      const last = place.split(/[/\\]/).at(-1) ?? "";
      expect(page.includes(place) || page.includes(`...${place.slice(-last.length - 1)}`), place).toBe(true);
    }
  });
});

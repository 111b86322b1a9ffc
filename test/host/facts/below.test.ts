import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { namesBelow } from "../../../src/host/facts/below.ts";
import { scene } from "../../cli/scene.ts";

describe("names below a path", () => {
  it("are listed with the path they lie below, hidden ones first", () => {
    const at = scene();
    at.put("home/app/pkg/a.ts", "");
    at.put("home/app/pkg/.claude/settings.json", "{}");
    const pkg = join(at.project, "pkg");
    expect(namesBelow(pkg, false)).toEqual({
      kind: "below",
      complete: true,
      entries: ["", "/.claude", "/a.ts", "/.claude/settings.json"].map((name) => ({
        from: pkg,
        path: `${pkg}${name}`,
      })),
    });
    expect(namesBelow(`${pkg}/`, false).entries.map(({ path }) => path)).toContain(`${pkg}/a.ts`);
    expect(namesBelow(`${at.project}/p*`, true).entries).toEqual(namesBelow(pkg, false).entries);
  });
  it("are none below a file, a link or what is not there", () => {
    const at = scene();
    at.put("home/app/pkg/a.ts", "");
    symlinkSync("pkg", join(at.project, "link"));
    for (const name of ["link", "pkg/a.ts", "absent"]) {
      const path = join(at.project, name);
      expect(namesBelow(path, false)).toEqual({
        kind: "below",
        complete: true,
        entries: [{ from: path, path }],
      });
    }
    // With a slash behind it a link is what it leads to.
    expect(namesBelow(`${join(at.project, "link")}/`, false).entries).toHaveLength(2);
  });
  it("end at a bound and say so; packages are not looked into", () => {
    const at = scene();
    for (let count = 0; count < 500; count++)
      mkdirSync(join(at.project, `many/d${count}`), { recursive: true });
    at.put("home/app/many/.cordon/settings.json", "{}");
    const many = namesBelow(join(at.project, "many"), false);
    expect(many.complete).toBe(false);
    expect(many.entries.length).toBeLessThanOrEqual(400);
    expect(many.entries.map(({ path }) => path)).toContain(join(at.project, "many/.cordon"));
    at.put("home/app/x/node_modules/y/.claude/settings.json", "{}");
    expect(namesBelow(join(at.project, "x"), false).entries).toHaveLength(2);
  });
});

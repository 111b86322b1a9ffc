import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MovedError, editText, readText, writeText } from "../../../src/host/tools/files.ts";
import { type Scene, scene } from "../../cli/scene.ts";

/** A project with a file, and a file outside it. */
function files(): { readonly at: Scene; readonly file: string; readonly outside: string } {
  const at = scene();
  return { at, file: at.put("home/app/src/a.txt", "one two"), outside: at.put("secret.txt", "secret") };
}

describe("file tools", () => {
  it("read, write and edit what lies in the project", () => {
    const { at, file } = files();
    expect(readText(at.project, file)).toBe("one two");
    editText(at.project, file, "two", "three");
    expect(readText(at.project, file)).toBe("one three");
    writeText(at.project, join(at.project, "new.txt"), "new");
    expect(readFileSync(join(at.project, "new.txt"), "utf8")).toBe("new");
  });

  it("follow no link that took the place of the file since it was judged", () => {
    const { at, file, outside } = files();
    renameSync(file, `${file}.old`);
    symlinkSync(outside, file);
    expect(() => readText(at.project, file)).toThrow(MovedError);
    expect(() => writeText(at.project, file, "x")).toThrow(MovedError);
    expect(() => editText(at.project, file, "secret", "x")).toThrow(MovedError);
    expect(readFileSync(outside, "utf8")).toBe("secret");
  });

  it("follow no link that took the place of its directory", () => {
    const { at, file, outside } = files();
    mkdirSync(join(at.top, "away"));
    writeFileSync(join(at.top, "away/a.txt"), "away");
    renameSync(join(at.project, "src"), join(at.project, "old"));
    symlinkSync(join(at.top, "away"), join(at.project, "src"));
    expect(() => readText(at.project, file)).toThrow(MovedError);
    expect(() => writeText(at.project, file, "x")).toThrow(MovedError);
    expect(() => readText(at.project, outside)).toThrow(MovedError);
    expect(readFileSync(join(at.top, "away/a.txt"), "utf8")).toBe("away");
  });

  it("read a directory, or edit what occurs never or twice, no more than they say", () => {
    const { at, file } = files();
    expect(() => readText(at.project, join(at.project, "src"))).toThrow("is no regular file");
    expect(() => editText(at.project, file, "three", "x")).toThrow("occurs 0 times");
    expect(() => editText(at.project, file, "o", "x")).toThrow("occurs 2 times");
    expect(() => readText(at.project, join(at.project, "none"))).toThrow("ENOENT");
    expect(readFileSync(file, "utf8")).toBe("one two");
  });
});

import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { makeDirectories } from "../../src/host/make-directories.ts";

function place(): string {
  const top = mkdtempSync(join(tmpdir(), "cordon-directories-"));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  return top;
}

it("makes what is missing, with the mode, and leaves what is there", () => {
  const top = place();
  makeDirectories(join(top, "a", "b", "c"), 0o700);
  makeDirectories(join(top, "a", "b", "c"), 0o755);
  expect(lstatSync(join(top, "a", "b")).mode & 0o777).toBe(0o700);
  expect(lstatSync(join(top, "a", "b", "c")).mode & 0o777).toBe(0o700);
});

it("says why it cannot, and ends where no directory can ever be made", () => {
  const top = place();
  writeFileSync(join(top, "file"), "");
  symlinkSync(join(top, "nowhere"), join(top, "link"));
  expect(() => makeDirectories(join(top, "file", "x"))).toThrow(/ENOTDIR|EEXIST/);
  expect(() => makeDirectories(join(top, "link", "x"))).toThrow(/EEXIST/);
  expect(() => makeDirectories("/proc/none/x")).toThrow(/ENOENT/);
});

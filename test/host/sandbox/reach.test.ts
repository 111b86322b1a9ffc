import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { afterAll, expect, it } from "vitest";
import { mayReach } from "../../../src/host/sandbox/reach.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-reach-")));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const own = process.getuid?.() ?? 0;

function closedAs(mode: number, uid = own): string {
  const directory = mkdtempSync(join(base, "d-"));
  mkdirSync(join(directory, "in"));
  chmodSync(directory, mode);
  if (uid !== own) chownSync(directory, uid, uid);
  return join(directory, "in/socket");
}

it("a directory that its owner closed to all others is reached by him alone", () => {
  chmodSync(base, 0o755);
  expect(mayReach(closedAs(0o700), own)).toBe(true);
  expect(mayReach(closedAs(0o700), own + 12345)).toBe(false);
  expect(mayReach(closedAs(0o711), own + 12345)).toBe(true);
  // Perhaps by a list of access rights.
  expect(mayReach(closedAs(0o710), own + 12345)).toBe(true);
});

it.runIf(own === 0)("root reaches what is its own, and not what another has closed", () => {
  expect(mayReach(closedAs(0o000), 0)).toBe(true);
  expect(mayReach(closedAs(0o700, 12345), 0)).toBe(false);
  expect(mayReach(closedAs(0o755, 12345), 0)).toBe(true);
});

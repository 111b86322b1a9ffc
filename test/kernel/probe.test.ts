import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { probeSandbox } from "../../src/host/sandbox/linux/probe.ts";

const base = mkdtempSync(join(tmpdir(), "cordon-probe-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A program in bubblewrap's place. */
function fake(name: string, text: string): string {
  const path = join(base, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const VERSION = 'test "$1" = --version && echo "bubblewrap 0.8.0" && exit 0';

describe("the probe", () => {
  it("finds bubblewrap here, with its version", () => {
    const version = execFileSync("bwrap", ["--version"], { encoding: "utf8" }).trim();
    expect(probeSandbox()).toMatchObject({ kind: "available", version: version.replace("bubblewrap ", "") });
  });

  it.each([
    [
      "that is not there",
      () => join(base, "none"),
      /sandbox\.bwrapPath.*does not exist/,
      /install bubblewrap/,
    ],
    [
      "that is not executable",
      () => (writeFileSync(join(base, "plain"), ""), join(base, "plain")),
      /does not tell its version/,
      /reinstall/,
    ],
    ["that is too old", () => fake("old", "echo bubblewrap 0.4.1"), /0\.4\.1, 0\.8\.0 is needed/, /later/],
    [
      "without namespaces",
      () =>
        fake(
          "ns",
          `${VERSION}; echo 'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.' >&2; exit 1`,
        ),
      /namespaces cannot be made here \(bwrap: No permissions/,
      /seccomp=unconfined/,
    ],
    [
      "without a fresh /proc",
      () =>
        fake(
          "proc",
          `${VERSION}; echo "bwrap: Can't mount proc on /newroot/proc: Operation not permitted" >&2; exit 1`,
        ),
      /fresh \/proc/,
      /systempaths=unconfined/,
    ],
    [
      "that fails otherwise",
      () => fake("odd", `${VERSION}; echo 'bwrap: odd' >&2; exit 1`),
      /bubblewrap fails: bwrap: odd/,
      /by hand/,
    ],
    [
      "that runs the command without confining it",
      () => fake("liar", `${VERSION}; while [ "$1" != -- ]; do shift; done; shift; exec "$@"`),
      /left rights or processes visible/,
      /report/,
    ],
    ["that hangs", () => fake("hang", `${VERSION}; exec sleep 60`), /bubblewrap fails/, /by hand/],
  ] as const)("does not take a bubblewrap %s", (_name, path, why, cure) => {
    const probe = probeSandbox({ bwrapPath: path() });
    expect(probe).toMatchObject({
      kind: "unavailable",
      why: expect.stringMatching(why),
      cure: expect.stringMatching(cure),
    });
  });
});

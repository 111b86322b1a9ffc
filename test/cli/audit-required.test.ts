import { mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyAudit } from "../../src/host/audit/verify.ts";
import { type Ended, PROGRAM, program } from "./program.ts";
import { type Scene, scene } from "./scene.ts";

/** A scene whose log lies in `log`; `touch` and a script `./peek` are allowed. */
function logged(required: boolean): Scene & { readonly log: string } {
  const at = scene();
  const log = join(at.top, "log");
  mkdirSync(log, { mode: 0o700 });
  at.settings({
    cordon: { audit: { path: log, required } },
    permissions: { allow: ["Bash(touch *)", "Bash(./peek)"] },
    sandbox: { enabled: false },
  });
  return { ...at, log };
}

/** `cordon run` as a process whose files may not grow beyond `limit` bytes. */
function run(at: Scene, argv: readonly string[], limit?: number): Ended {
  const before = limit === undefined ? [] : ["prlimit", `--fsize=${limit}`];
  return program([...before, "setsid", "--wait", process.execPath, PROGRAM, "run", "--", ...argv], {
    cwd: at.project,
    env: at.env,
  });
}

const ran = (at: Scene): readonly string[] => readdirSync(at.project).sort();

describe("cordon.audit.required", () => {
  it("lets a call begin when its record is in the log", () => {
    const at = logged(true);
    const file = `${new Date().toISOString().slice(0, 10).replaceAll("-", "")}-shared.jsonl`;
    at.put("home/app/peek", `#!/bin/sh\ncp ${join(at.log, file)} seen\n`, 0o755);
    const { status, err } = run(at, ["./peek"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    // What the command saw holds its own decision, and not yet its end.
    const seen = readFileSync(join(at.project, "seen"), "utf8").trimEnd().split("\n");
    expect(seen.map((line) => JSON.parse(line).type)).toEqual(["start", "decision"]);
    expect(JSON.parse(seen[1] ?? "").input.command).toBe("./peek");
  });

  it.each([true, false])("stops calls when the log cannot grow, and only where it is set: %s", (required) => {
    const at = logged(required);
    expect(run(at, ["touch", "first"]).status).toBe(0);
    const [file = ""] = readdirSync(at.log);
    const limit = statSync(join(at.log, file)).size + 100;
    const { status, err } = run(at, ["touch", "second"], limit);
    expect(status).toBe(required ? 126 : 0);
    expect(err).toContain("the audit log could not be written: ");
    expect(err).toMatch(/of \d+ bytes/);
    if (required) expect(err).toContain("refused: the audit record is required and could not be written");
    expect(ran(at)).toEqual(required ? ["first"] : ["first", "second"]);
    // Half a record may have stayed: it is named, and the next one stands behind it.
    expect(run(at, ["touch", "third"]).status).toBe(0);
    const { damage, notes } = verifyAudit(at.log);
    expect(damage).toEqual([]);
    expect(notes.every(({ what }) => what === "unfinished: its writer was killed while writing it")).toBe(
      true,
    );
    expect(notes.length).toBeGreaterThan(0);
  });
});

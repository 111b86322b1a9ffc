import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { Interruption } from "../../src/cli/command.ts";
import { command } from "../../src/cli/sandbox-test.ts";
import { runIn, scene } from "./scene.ts";

/** A directory that a sandbox does not replace by its own. */
function place(): string {
  const path = mkdtempSync(join(process.getuid?.() === 0 ? "/var/lib" : homedir(), "cordon-cli-trial-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("cordon sandbox test", () => {
  it("makes the attempts of a class, and leaves nothing behind", async () => {
    const own = scene();
    const where = place();
    const argv = ["--class", "link", "--class", "home", "--rung", "bubblewrap", "--in", where];
    const { status, out, err } = await runIn(own, command, argv);
    expect(err).toBe("");
    expect(out).toMatch(/^\d+ attempts to break out, as .*, rung bubblewrap\n/);
    expect(out).toMatch(/^stopped +(\d+) of \1 +write by links and renames \(link\)$/m);
    expect(out).toMatch(/^stopped +(\d+) of \1 +write to the home directory \(home\)$/m);
    expect(out).not.toMatch(/\(read\)/);
    expect(status).toBe(0);
    expect(readdirSync(where)).toEqual([]);
  });

  it("says in JSON what became of each, with controls", async () => {
    const where = place();
    const argv = ["--class", "metadata", "--rung", "bubblewrap", "--controls", "--json", "--in", where];
    const { status, out } = await runIn(scene(), command, argv);
    const told = JSON.parse(out);
    expect(status).toBe(0);
    expect(told).toMatchObject({ rung: "bubblewrap", root: process.getuid?.() === 0, escaped: 0, faulty: 0 });
    expect(told.attempts.find((each: { id: string }) => each.id === "metadata-mode")).toMatchObject({
      class: "metadata",
      weight: "medium",
      ended: "stopped",
      control: "works",
    });
    expect(readdirSync(where)).toEqual([]);
  });

  it("ends when it is interrupted, and leaves nothing behind", async () => {
    const where = place();
    const interrupt = new AbortController();
    const running = runIn(scene(), command, ["--rung", "bubblewrap", "--in", where], {
      interrupted: interrupt.signal,
    });
    while (readdirSync(where).length === 0) await pause(20);
    await pause(300);
    interrupt.abort(new Interruption("SIGINT"));
    const { status, out, err } = await running;
    expect(status).toBe(130);
    expect(out).toBe("");
    expect(err).toContain("interrupted");
    expect(readdirSync(where)).toEqual([]);
  });

  it.each([
    [["--class", "none"], 64, /there is no class `none`[\s\S]*hint: one of write, link/],
    [["--rung", "none"], 64, /there is no rung `none`[\s\S]*native, bubblewrap, landlock/],
    [["--in", ""], 64, /--in is empty/],
    [["word"], 64, /unexpected argument/i],
    [["--in", "/tmp"], 126, /there is no directory[\s\S]*--in DIR/],
  ] as const)("refuses %j", async (argv, status, message) => {
    const result = await runIn(scene(), command, argv);
    expect(result.status).toBe(status);
    expect(result.err).toMatch(message);
    expect(result.out).toBe("");
  });
});

import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Verdict } from "../../src/core/call/effect.ts";
import { type LiveGate, openLiveGate } from "../../src/host/live-gate.ts";
import { type Scene, scene } from "../cli/scene.ts";

const live = (at: Scene): LiveGate => openLiveGate({ cwd: at.project, home: at.home, env: at.env });
const verdict = (gate: LiveGate, command: string): Verdict =>
  gate.current().decide({ tool: "Bash", input: { command } }).verdict;
const rules = (
  allow: readonly string[],
  deny: readonly string[] = [],
  ask: readonly string[] = [],
): object => ({
  permissions: { allow, deny, ask },
});

it("follows a change with the next call, and is the same gate where nothing changed", () => {
  const at = scene();
  const gate = live(at);
  expect(verdict(gate, "npm test")).toBe("ask");
  at.settings(rules(["Bash(npm test)"]));
  expect(verdict(gate, "npm test")).toBe("allow");
  expect(gate.current()).toBe(gate.current());
  at.settings(rules([], ["Bash(npm test)"]));
  expect(verdict(gate, "npm test")).toBe("deny");
});

it("sees a change that leaves size and time of the file as they were", () => {
  const at = scene();
  const file = at.settings(rules(["Bash(npm test)"]));
  const time = new Date(1_700_000_000_000);
  utimesSync(file, time, time);
  const gate = live(at);
  expect(verdict(gate, "npm test")).toBe("allow");
  at.settings(rules(["Bash(npm tesT)"]));
  utimesSync(file, time, time);
  expect(verdict(gate, "npm test")).toBe("ask");
});

it.each(["", "{", '{"permissions": {"deny": 7}}', "\u0000", "[]"])(
  "keeps what a file denied and asked about when it becomes %j, and nothing it allowed",
  (broken) => {
    const at = scene();
    const file = at.settings(rules(["Bash(npm test)"], ["Bash(npm publish)"], ["Bash(ls)"]));
    const gate = live(at);
    expect(verdict(gate, "npm test")).toBe("allow");
    writeFileSync(file, broken);
    expect(verdict(gate, "npm publish")).toBe("deny");
    expect(verdict(gate, "npm test")).toBe("ask");
    expect(verdict(gate, "ls")).toBe("ask");
    const said = gate.current().problems.map(({ message }) => message);
    expect(said.some((message) => message.includes("before it became faulty still holds"))).toBe(true);
    // Faulty in another way: still what was good last.
    writeFileSync(file, `${broken} `);
    expect(verdict(gate, "npm publish")).toBe("deny");
    at.settings(rules(["Bash(npm test)"]));
    expect(verdict(gate, "npm test")).toBe("allow");
    expect(verdict(gate, "npm publish")).toBe("ask");
    expect(gate.current().problems).toEqual([]);
  },
);

it("takes the removal of a file for what it is", () => {
  const at = scene();
  const file = at.settings(rules([], ["Bash(npm test)"]));
  const gate = live(at);
  expect(verdict(gate, "npm test")).toBe("deny");
  rmSync(file);
  expect(verdict(gate, "npm test")).toBe("ask");
});

it("forgets nothing between two files, and two gates know nothing of each other", () => {
  const at = scene();
  at.settings(rules(["Bash(npm test)"]));
  const project = join(at.project, ".claude/settings.json");
  at.put("home/app/.claude/settings.json", JSON.stringify(rules([], ["Bash(npm publish)"])));
  const gate = live(at);
  expect(verdict(gate, "npm publish")).toBe("deny");
  writeFileSync(project, "{ broken");
  expect(verdict(gate, "npm publish")).toBe("deny");
  const fresh = live(at);
  expect(verdict(fresh, "npm publish")).not.toBe("allow");
  expect(verdict(fresh, "npm test")).toBe("ask");
});

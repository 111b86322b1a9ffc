import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { trustWith } from "../../src/cli/trust.ts";
import type { Verdict } from "../../src/core/call/effect.ts";
import type { Gate, GateOptions } from "../../src/host/gate.ts";
import { type LiveGate, openLiveGate } from "../../src/host/live-gate.ts";
import { type Scene, runIn, scene } from "../cli/scene.ts";

interface Opened {
  readonly gate: LiveGate;
  readonly told: string[];
}

const live = (at: Scene, more: GateOptions = {}): Opened => {
  const told: string[] = [];
  const gate = openLiveGate(
    { cwd: at.project, home: at.home, env: at.env, ...more },
    { session: "s", notify: (text) => told.push(text) },
  );
  gate.current();
  return { gate, told };
};
const say = (gate: Gate, command: string): Verdict =>
  gate.decide({ tool: "Bash", input: { command } }).verdict;
const after = async (gate: LiveGate, ...commands: readonly string[]): Promise<readonly Verdict[]> => {
  const now = await gate.refresh();
  return commands.map((command) => say(now, command));
};
const problems = (gate: Gate): string => gate.problems.map(({ message }) => message).join("\n");

/** The hook's program: reads what it is asked, notes it, and does what is in the file `answer`. */
const HOOK = `cat >> "$HOME/asked"; echo >> "$HOME/asked"; [ ! -e "$HOME/answer" ] || . "$HOME/answer"`;
const GUARD = { hooks: { ConfigChange: [{ hooks: [{ type: "command", command: HOOK }] }] } };
const answer = (at: Scene, text: string): void => writeFileSync(join(at.home, "answer"), text);
const asked = (at: Scene): readonly { readonly source: string; readonly file_path?: string }[] => {
  const file = join(at.home, "asked");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly source: string });
};
const rules = (allow: readonly string[], deny: readonly string[] = [], ask: readonly string[] = []) => ({
  permissions: { allow, deny, ask },
});

/** Rules in Claude's user file; the hook stands in cordon's own. */
function guarded(): { readonly at: Scene; readonly write: (settings: object | string) => string } {
  const at = scene();
  at.settings(GUARD);
  const write = (settings: object | string): string =>
    at.put("home/.claude/settings.json", typeof settings === "string" ? settings : JSON.stringify(settings));
  write(rules(["Bash(npm test)"], ["Bash(npm publish)"]));
  return { at, write };
}

it("a change between opening and the first call is a change", async () => {
  const { at, write } = guarded();
  const gate = openLiveGate({ cwd: at.project, home: at.home, env: at.env }, { session: "s" });
  answer(at, "exit 2");
  write(rules(["Bash(npm test)", "Bash(make *)"]));
  expect(await after(gate, "npm test", "make all")).toEqual(["allow", "ask"]);
  expect(asked(at)).toHaveLength(1);
});

it("asks the hooks of the settings before the change, once, and takes over what they let pass", async () => {
  const { at, write } = guarded();
  const { gate } = live(at);
  expect(await after(gate, "npm test", "make all")).toEqual(["allow", "ask"]);
  expect(asked(at)).toEqual([]);
  const file = write(rules(["Bash(make all)"]));
  expect(await after(gate, "npm test", "make all", "npm publish")).toEqual(["ask", "allow", "ask"]);
  expect(await after(gate, "make all")).toEqual(["allow"]);
  expect(asked(at)).toMatchObject([
    { hook_event_name: "ConfigChange", source: "user_settings", file_path: file, session_id: "s" },
  ]);
  expect(problems(gate.current())).toBe("");
  expect(gate.current()).toBe(await gate.refresh());
});

it("keeps what was allowed where a hook blocks, closes what the new state closes, and says so", async () => {
  const { at, write } = guarded();
  const { gate, told } = live(at);
  answer(at, "echo because >&2; exit 2");
  const before = gate.current().policy.fingerprint;
  write(rules(["Bash(make all)"], ["Bash(npm run x)"], ["Bash(npm test a)"]));
  const commands = ["npm test", "npm test a", "make all", "npm publish", "npm run x"];
  const expected = ["allow", "ask", "ask", "deny", "deny"];
  expect(await after(gate, ...commands)).toEqual(expected);
  expect(commands.map((command) => say(gate.current(), command))).toEqual(expected);
  expect(problems(gate.current())).toMatch(/the change is not taken over: the hook .* blocks it: because/);
  expect(told.join("\n")).toContain("because");
  expect(gate.current().policy.fingerprint).not.toBe(before);
  expect(gate.current()).toBe(await gate.refresh());
  expect(asked(at).length).toBe(1);

  // Another change is another question; the same again after it was taken back, too.
  write(rules(["Bash(make b)"]));
  expect(await after(gate, "npm test", "make b", "npm run x")).toEqual(["allow", "ask", "ask"]);
  expect(asked(at).length).toBe(2);
  write(rules(["Bash(npm test)"], ["Bash(npm publish)"]));
  expect(await after(gate, "npm test")).toEqual(["allow"]);
  expect(problems(gate.current())).toBe("");
  answer(at, "exit 0");
  write(rules(["Bash(make b)"]));
  expect(await after(gate, "npm test", "make b")).toEqual(["ask", "allow"]);
  expect(asked(at).length).toBe(3);
});

it("keeps a file that a hook does not let go, with the rank it had", async () => {
  const { at } = guarded();
  const own = at.settings({ ...GUARD, ...rules(["Bash(make all)"], ["Bash(curl *)"]) });
  const { gate } = live(at);
  answer(at, "exit 2");
  rmSync(own);
  expect(await after(gate, "make all", "curl x")).toEqual(["allow", "deny"]);
  rmSync(join(at.home, ".claude/settings.json"));
  expect(await after(gate, "npm test", "npm publish")).toEqual(["allow", "deny"]);
  expect(asked(at).length).toBe(2);
});

it("gets rid of the hook only past the hook", async () => {
  const { at } = guarded();
  const { gate } = live(at);
  answer(at, "exit 2");
  at.settings({ disableAllHooks: true, ...rules(["Bash(make all)"]) });
  expect(await after(gate, "make all")).toEqual(["ask"]);
  at.settings("{ broken" as unknown as object);
  expect(await after(gate, "make all")).toEqual(["ask"]);
  at.settings(rules(["Bash(make all)"]));
  expect(await after(gate, "make all")).toEqual(["ask"]);
  expect(asked(at).length).toBe(2);
});

it.each([
  ["fails", "exit 3"],
  ["prints garbage", "echo {"],
  ["is of a type that cannot be run", undefined],
])("lets every call ask where the hook %s, until it answers", async (_, text) => {
  const { at, write } = guarded();
  if (text === undefined)
    at.settings({ hooks: { ConfigChange: [{ hooks: [{ type: "prompt", prompt: "is it good?" }] }] } });
  else answer(at, text);
  const { gate } = live(at);
  write(rules(["Bash(npm test)", "Bash(make all)"], ["Bash(npm run x)"]));
  const commands = ["npm test", "make all", "ls", "npm publish", "npm run x"];
  expect(await after(gate, ...commands)).toEqual(["ask", "ask", "ask", "deny", "deny"]);
  expect(problems(gate.current())).toContain("not taken over yet");
  if (text === undefined) return;
  answer(at, "exit 0");
  expect(await after(gate, ...commands)).toEqual(["allow", "allow", "allow", "ask", "deny"]);
});

it("lets a failing hook pass where the person said so", async () => {
  const at = scene();
  const hook = { type: "command", command: "exit 3", onFailure: "continue" };
  const own = (allow: readonly string[]): object => ({
    hooks: { ConfigChange: [{ hooks: [hook] }] },
    ...rules(allow),
  });
  at.settings(own([]));
  const { gate } = live(at);
  at.settings(own(["Bash(make all)"]));
  expect(await after(gate, "make all")).toEqual(["allow"]);
});

it("opens nothing of a change that nobody asked the hooks about", async () => {
  const { at, write } = guarded();
  const { gate } = live(at);
  write(rules(["Bash(make all)"], ["Bash(npm run x)"]));
  const now = gate.current();
  expect(["make all", "npm test", "npm publish", "npm run x"].map((each) => say(now, each))).toEqual([
    "ask",
    "ask",
    "deny",
    "deny",
  ]);
  expect(asked(at)).toEqual([]);
  expect(await after(gate, "make all")).toEqual(["allow"]);
});

it("asks only hooks whose matcher fits, and none where nothing would hear them", async () => {
  const at = scene();
  const one = { matcher: "project_settings", hooks: [{ type: "command", command: HOOK }] };
  at.settings({ hooks: { ConfigChange: [one] } });
  at.put("home/.claude/settings.json", JSON.stringify(rules([])));
  const { gate } = live(at);
  answer(at, "exit 2");
  at.put("home/.claude/settings.json", JSON.stringify(rules(["Bash(make all)"])));
  expect(say(gate.current(), "make all")).toBe("allow");
  at.put("home/app/.claude/settings.json", JSON.stringify(rules([], ["Bash(make all)"])));
  expect(await after(gate, "make all")).toEqual(["deny"]);
  expect(asked(at)).toMatchObject([{ source: "project_settings" }]);
});

it("does what it did where it was opened without hooks", async () => {
  const { at, write } = guarded();
  const gate = openLiveGate({ cwd: at.project, home: at.home, env: at.env });
  gate.current();
  answer(at, "exit 2");
  write(rules(["Bash(make all)"]));
  expect(await after(gate, "make all")).toEqual(["allow"]);
  expect(asked(at)).toEqual([]);
});

it("takes trust back at once, also from what a hook kept in force", async () => {
  const { at } = guarded();
  execFileSync("git", ["init", "-q"], { cwd: at.project, stdio: "ignore" });
  const shared = at.put("home/app/.claude/settings.json", JSON.stringify(rules(["Bash(make all)"])));
  await runIn(
    at,
    trustWith(async () => "yes"),
    [],
  );
  const { gate } = live(at);
  expect(await after(gate, "make all")).toEqual(["allow"]);
  answer(at, "exit 2");
  writeFileSync(shared, JSON.stringify(rules(["Bash(make b)"], ["Bash(make c)"])));
  expect(await after(gate, "make all", "make b", "make c")).toEqual(["allow", "ask", "deny"]);
  await runIn(
    at,
    trustWith(async () => "no"),
    ["--revoke"],
  );
  expect(await after(gate, "make all", "make c")).toEqual(["ask", "deny"]);
});

it("runs the guards of a file that became faulty on, so that they still deny", async () => {
  const at = scene();
  const guard = { matcher: "Bash", hooks: [{ type: "command", command: "$HOME/guard.sh" }] };
  const file = at.settings({ hooks: { PreToolUse: [guard] } });
  const gate = openLiveGate({ cwd: at.project, home: at.home, env: at.env });
  const names = (): readonly string[] => gate.current().policy.hooks.hooks.map(({ name }) => name);
  const [was, protectedBefore] = [names(), gate.current().policy.limitsOfPaths.protectedPaths.length];
  expect(was.length).toBe(1);
  writeFileSync(file, "{");
  expect(names()).toEqual(was);
  expect(gate.current().policy.limitsOfPaths.protectedPaths.length).toBe(protectedBefore);
  rmSync(file);
  expect(names()).toEqual([]);
});

it("lets no hook keep a managed file from changing, and tells it", async () => {
  const at = scene();
  const managed = at.put("managed.json", JSON.stringify(rules(["Bash(make all)"], ["Bash(make b)"])));
  const settings = at.put("given.json", JSON.stringify(GUARD));
  const { gate } = live(at, { ambient: false, managed, settings });
  expect(await after(gate, "make all", "make b")).toEqual(["allow", "deny"]);
  answer(at, "exit 2");
  writeFileSync(managed, JSON.stringify(rules(["Bash(make b)"])));
  expect(await after(gate, "make all", "make b")).toEqual(["ask", "allow"]);
  expect(asked(at)).toMatchObject([{ source: "policy_settings" }]);
  writeFileSync(managed, JSON.stringify(rules([])));
  expect(say(gate.current(), "make b")).toBe("ask");
});

it("takes over nothing that changed again while a hook was asked, and asks one after the other", async () => {
  const { at, write } = guarded();
  const { gate } = live(at);
  answer(at, `until [ -e "$HOME/go" ]; do sleep 0.05; done`);
  write(rules(["Bash(make a)"]));
  const first = gate.refresh();
  await vi.waitUntil(() => asked(at).length === 1, { timeout: 30_000 });
  const second = gate.refresh();
  write(rules(["Bash(make b)"]));
  writeFileSync(join(at.home, "go"), "");
  const between = await first;
  expect(["make a", "make b"].map((command) => say(between, command))).toEqual(["ask", "ask"]);
  const done = await second;
  expect(["make a", "make b"].map((command) => say(done, command))).toEqual(["ask", "allow"]);
  expect(asked(at).length).toBe(2);
});

it("records who was asked", async () => {
  const { at, write } = guarded();
  const { gate } = live(at);
  answer(at, "exit 2");
  write(rules(["Bash(make all)"]));
  await gate.refresh();
  const directory = join(at.home, ".local/state/cordon/audit");
  const text = execFileSync("sh", ["-c", `cat "${directory}"/*`], { encoding: "utf8" });
  expect(text).toContain('"ConfigChange"');
  expect(text).toContain('"type":"hooks"');
});

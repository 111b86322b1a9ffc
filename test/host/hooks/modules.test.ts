import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scene } from "../../cli/scene.ts";
import { hooking, livingWith, saidOf, trial } from "./world.ts";

const NONE = "ask cmd.file-modifying";
const DENY = "deny hook.deny";
const FAILED = "deny hook.failed";

const answering = (value: string): string => `export default async ({ tool, input }) => (${value});`;

describe("a module as a hook", () => {
  it.each([
    [
      "deny",
      answering(`{ decision: "deny", reason: tool + ": " + input.command }`),
      DENY,
      "Bash: touch made",
    ],
    ["ask", answering(`{ decision: "ask", reason: "r" }`), "ask hook.ask", "r"],
    ["allow is no objection", answering(`{ decision: "allow" }`), NONE, ""],
    ["by its name", `export async function preToolUse() { return { decision: "deny" }; }`, DENY, ""],
    [
      "the only function",
      `export const a = 1; export async function guard() { return { decision: "deny" }; }`,
      DENY,
      "",
    ],
    ["two functions", `export function a() {} export function b() {}`, FAILED, "exports no function"],
    ["an object with it", `export default { preToolUse: async () => ({ decision: "deny" }) };`, DENY, ""],
    ["no promise", `export default () => ({ decision: "deny" });`, DENY, ""],
    [
      "another input",
      answering(
        `input.command === "echo a" ? { decision: "allow" } : { updatedInput: { command: "echo a" } }`,
      ),
      "allow cmd.read-only",
      "",
    ],
    [
      "prints as much as it likes",
      `console.log("{}"); console.error("x"); ${answering(`{ decision: "deny", reason: "printed" }`)}`,
      DENY,
      "printed",
    ],
    ["nothing", answering("undefined"), FAILED, "no object"],
    ["a text", answering(`"allow"`), FAILED, "no object"],
    ["an empty object", answering("{}"), FAILED, "no `decision`"],
    ["another decision", answering(`{ decision: "yes" }`), FAILED, "no `decision`"],
    ["a reason that is none", answering(`{ decision: "allow", reason: 1 }`), FAILED, "`reason`"],
    ["an input that is none", answering(`{ updatedInput: "x" }`), FAILED, "`updatedInput`"],
    ["a cycle", `const a = {}; a.a = a; ${answering("a")}`, FAILED, "circular"],
    ["throws", `export default async () => { throw new Error("own words"); };`, FAILED, "own words"],
    ["throws while it is loaded", `throw new Error("early");`, FAILED, "early"],
    ["exports nothing", "export const a = 1;", FAILED, "exports no function"],
    ["is no module", "export default (", FAILED, "it threw"],
    ["ends its process", "process.exit(0);", FAILED, "without an answer"],
    [
      "takes all memory",
      `export default async () => { const a = []; for (;;) a.push(new Array(100000).fill(1.5)); };`,
      FAILED,
      "",
    ],
  ])("%s", async (_, text, verdict, why) => {
    const at = scene();
    const path = at.put("home/app/guard.mjs", text);
    const [said, reason] = saidOf(await trial({ settings: hooking([{ type: "module", path }]), at }));
    expect(said).toBe(verdict);
    expect(reason).toContain(why);
  });

  it.each([
    ["hooks/guard.js", answering(`{ decision: "deny", reason: input.command }`), undefined],
    [
      "hooks/guard.cjs",
      `module.exports = async ({ input }) => ({ decision: "deny", reason: input.command });`,
      undefined,
    ],
    [
      "hooks/guard.js",
      `module.exports = async ({ input }) => ({ decision: "deny", reason: input.command });`,
      "commonjs",
    ],
    [
      "hooks/guard.js",
      `exports.guard = async ({ input }) => ({ decision: "deny", reason: input.command });`,
      "commonjs",
    ],
  ])("may be called %s: %s (package: %s)", async (name, text, type) => {
    const at = scene();
    at.put(`home/app/.claude/${name}`, text);
    if (type !== undefined) at.put("home/app/package.json", JSON.stringify({ type }));
    const settings = hooking([{ type: "module", path: `.claude/${name}` }]);
    expect(saidOf(await trial({ settings, at }))).toEqual([
      DENY,
      expect.stringContaining("denied it: touch made"),
    ]);
  });

  it.each([
    ["never answers", "export default () => new Promise(() => setInterval(() => {}, 1000));"],
    ["never rests", "export default () => { for (;;); };"],
  ])("%s: it is ended", async (_, text) => {
    const at = scene();
    const path = at.put("home/app/guard.mjs", text);
    const [said, why] = saidOf(
      await trial({ settings: hooking([{ type: "module", path, timeout: 0.5 }]), at }),
    );
    expect([said, why]).toEqual([FAILED, expect.stringContaining("within 0.5 seconds")]);
    expect(await livingWith(path)).toEqual([]);
  });

  it("does not get at the caller's environment or process", async () => {
    const at = scene();
    const text = answering(
      `{ decision: "deny", reason: [process.env.SECRET ?? "none", process.ppid, process.pid].join(" ") }`,
    );
    const path = at.put("home/app/guard.mjs", text);
    const [, why] = saidOf(
      await trial({ settings: hooking([{ type: "module", path }]), at, env: { SECRET: "s" } }),
    );
    const [, secret, parent, own] = /denied it: (\S+) (\d+) (\d+)$/.exec(why) ?? [];
    expect([secret, parent]).toEqual(["none", String(process.pid)]);
    expect(own).not.toBe(String(process.pid));
  });

  it("that is not there fails", async () => {
    const at = scene();
    const path = join(at.project, "gone.mjs");
    expect(existsSync(path)).toBe(false);
    const [said] = saidOf(await trial({ settings: hooking([{ type: "module", path }]), at }));
    expect(said).toBe(FAILED);
  });
});

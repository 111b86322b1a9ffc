import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCallHooks } from "../../../src/host/hooks/call-hooks.ts";
import { judgeWithHooks } from "../../../src/host/run/judge.ts";
import { type Scene, scene } from "../../cli/scene.ts";
import {
  type Handler,
  gateWith,
  hooking,
  livingWith,
  loopback,
  pre,
  printing,
  quote,
  saidOf,
  trial,
} from "./world.ts";

const NONE = "ask cmd.file-modifying";
const DENY = "deny hook.deny";
const FAILED = "deny hook.failed";
const ALLOW = "allow hook.allow";
const ASK = "ask hook.ask";
const STOP = "deny hook.stop";

const DENIES = pre("deny", { permissionDecisionReason: "because" });
const ALLOWS = pre("allow");
const ASKS = pre("ask", { permissionDecisionReason: "look first" });
const changing = (command: string, decision?: string): object => pre(decision, { updatedInput: { command } });

describe("what a command hook means, by status and output", () => {
  it.each<readonly [string, Handler, string, string]>([
    ["nothing, status 0", "true", NONE, ""],
    ["a text, status 0", "echo all is well", NONE, ""],
    ["blanks, status 0", "printf '  \\n'", NONE, ""],
    ["a text on stderr, status 0", "echo hm >&2", NONE, ""],
    ["an empty object", "printf '{}'", NONE, ""],
    ["an object behind blanks", `printf '\\n  '; ${printing(DENIES)}`, DENY, "because"],
    ["deny", printing(DENIES), DENY, "because"],
    ["ask", printing(ASKS), ASK, "look first"],
    ["allow", printing(ALLOWS), ALLOW, ""],
    ["defer is a question", printing(pre("defer")), ASK, "it defers the call"],
    ["the old `block`", printing({ decision: "block", reason: "old" }), DENY, "old"],
    ["the old `approve`", printing({ decision: "approve" }), ALLOW, ""],
    ["old and new together: the stricter", printing({ decision: "approve", ...DENIES }), DENY, ""],
    ["new allow, old block: the stricter", printing({ decision: "block", ...ALLOWS }), DENY, ""],
    ["status 2", "exit 2", DENY, "ended with status 2"],
    ["status 2 with stderr", "echo not this >&2; exit 2", DENY, "not this"],
    ["status 2 beats an allow", printing(ALLOWS, "exit 2"), DENY, "ended with status 2"],
    ["status 2 with a reason in JSON", printing(DENIES, "exit 2"), DENY, "because"],
    ["status 2 with garbage", "printf '{nonsense'; exit 2", DENY, ""],
    ["status 2 and stop", printing({ continue: false, stopReason: "all" }, "exit 2"), STOP, "all"],
    ["status 1", "exit 1", FAILED, "status 1"],
    ["status 1 with stderr", "echo broken >&2; exit 1", FAILED, "broken"],
    ["status 1 with a text", "echo no; exit 1", FAILED, "status 1"],
    ["status 1 with valid JSON: it decides", printing(ASKS, "exit 1"), ASK, ""],
    ["status 1 with an allow", printing(ALLOWS, "exit 1"), ALLOW, ""],
    ["status 1 with an empty object", "printf '{}'; exit 1", NONE, ""],
    ["no such program, 127", "no-such-program-here", FAILED, "status 127"],
    ["not executable, 126", "/etc/passwd", FAILED, "status 126"],
    ["exec form, no such program", { type: "command", command: "/no/such", args: [] }, FAILED, ""],
    ["killed by a signal", "kill -SEGV $$", FAILED, "SIGSEGV"],
    ["JSON that is cut short", `printf '{"decision": "block"'`, FAILED, "not JSON"],
    ["JSON with something behind", `${printing(ALLOWS)} echo x`, FAILED, "not JSON"],
    ["two objects", `${printing(ALLOWS)} ${printing(ALLOWS)}`, FAILED, "not JSON"],
    ["a list is a text", "printf '[1]'", NONE, ""],
    ["`continue` is no boolean", printing({ continue: "false" }), FAILED, "`continue`"],
    ["an unknown decision", printing({ decision: "yes" }), FAILED, "`decision`"],
    ["an unknown permissionDecision", printing(pre("maybe")), FAILED, "`permissionDecision`"],
    ["another event", printing({ hookSpecificOutput: { hookEventName: "Stop" } }), FAILED, "hookEventName"],
    ["no event", printing({ hookSpecificOutput: { permissionDecision: "allow" } }), FAILED, "hookEventName"],
    ["hookSpecificOutput is a text", printing({ hookSpecificOutput: "deny" }), FAILED, "hookSpecificOutput"],
    ["a reason that is a number", printing(pre("allow", { permissionDecisionReason: 1 })), FAILED, "Reason"],
    ["an input that is a text", printing(pre("allow", { updatedInput: "x" })), FAILED, "updatedInput"],
    ["null for a decision", printing({ decision: null }), FAILED, "`decision`"],
    ["unknown fields are left alone", printing({ ...DENIES, later: 1 }), DENY, "because"],
    ["continue: false", printing({ continue: false, stopReason: "enough" }), STOP, "enough"],
    ["continue: false beats allow", printing({ continue: false, ...ALLOWS }), STOP, ""],
    ["text that is not UTF-8", "printf '\\377\\376'", FAILED, "UTF-8"],
    ["JSON that is not UTF-8", `printf '{"decision": "approve", "reason": "\\377"}'`, FAILED, "UTF-8"],
    ["10 MB of text", "head -c 10000000 /dev/zero | tr '\\0' x", NONE, ""],
    [
      "10 MB of JSON",
      `printf '{"reason": "'; head -c 10000000 /dev/zero | tr '\\0' x; printf '"}'`,
      FAILED,
      "more than",
    ],
    ["10 MB on stderr", "head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 2", DENY, "(cut)"],
    ["output without end", "yes", FAILED, "without end"],
    ["it closes its input", "exec 0<&-; printf '{}'", NONE, ""],
    ["it reads half of its input", "head -c 5 >/dev/null; exit 2", DENY, ""],
    ["it is too slow", { type: "command", command: "sleep 30", timeout: 0.2 }, FAILED, "within 0.2 seconds"],
    [
      "it ignores SIGTERM",
      { type: "command", command: "trap '' TERM; while :; do sleep 1; done", timeout: 0.1 },
      FAILED,
      "within 0.1",
    ],
    [
      "it answers when asked to end",
      { type: "command", command: `trap "printf '{}'; exit 0" TERM; sleep 30 & wait`, timeout: 0.2 },
      FAILED,
      "within 0.2",
    ],
    ["async decides nothing", { type: "command", command: "exit 2", async: true }, NONE, ""],
    ["arguments as they are", { type: "command", command: "test", args: ["a b", "=", "a b"] }, NONE, ""],
    [
      "the project's root in arguments",
      { type: "command", command: "test", args: ["${CLAUDE_PROJECT_DIR}/x", "=", "y"] },
      FAILED,
      "status 1",
    ],
    ["the project's root in a text", `test "$CLAUDE_PROJECT_DIR" = "$PWD" || exit 2`, NONE, ""],
  ])("%s", async (_, handler, verdict, why) => {
    const [said, reason] = saidOf(await trial({ settings: hooking([handler]) }));
    expect(said).toBe(verdict);
    expect(reason).toContain(why);
  });
});

describe("several hooks", () => {
  it.each<readonly [string, readonly Handler[], string, string]>([
    ["deny beats ask and allow", [printing(ALLOWS), printing(ASKS), printing(DENIES)], DENY, "because"],
    ["ask beats allow", [printing(ALLOWS), printing(ASKS)], ASK, "look first"],
    ["a failure beats allow", [printing(ALLOWS), "exit 9"], FAILED, "status 9"],
    ["a failure beats ask", [printing(ASKS), "exit 9"], FAILED, ""],
    [
      "two inputs that differ",
      [printing(changing("echo a")), printing(changing("echo b"))],
      "deny hook.conflict",
      "",
    ],
    [
      "two inputs that are the same",
      [printing(changing("echo a")), printing(changing("echo a"), ":")],
      "allow cmd.read-only",
      "",
    ],
    ["the input it has", [printing(changing("touch made"))], NONE, ""],
    ["a harmless input is decided anew", [printing(changing("echo a"))], "allow cmd.read-only", ""],
    [
      "a forbidden input is decided anew",
      [printing(changing("git push -f origin main", "allow"))],
      "deny git.force-push-protected",
      "",
    ],
    [
      "an input that lacks the command",
      [printing(pre("allow", { updatedInput: {} }))],
      "deny tool.input",
      "",
    ],
    ["an allow holds for the input it came with", [printing(changing("touch other", "allow"))], ALLOW, ""],
    ["deny with an input", [printing(changing("echo a", "deny"))], DENY, ""],
    [
      "a question about an earlier input stands",
      [`grep -q made && ${printing(changing("echo a", "ask"))}:`],
      ASK,
      "",
    ],
    [
      "an input that grows without end",
      [
        `c=$(grep -o 'touch [^"]*'); printf '{"hookSpecificOutput":{"hookEventName":"PreToolUse","updatedInput":{"command":"%sx"}}}' "$c"`,
      ],
      "deny hook.loop",
      "4 times",
    ],
    [
      "two that undo each other",
      [
        `grep -q made && ${printing(changing("touch b"))} true`,
        `grep -q 'touch b' && ${printing(changing("touch made"))} true`,
      ],
      "deny hook.loop",
      "",
    ],
    ["identical ones run once", [`echo x >> n; exit 2`, `echo x >> n; exit 2`], DENY, ""],
  ])("%s", async (_, handlers, verdict, why) => {
    const at = scene();
    const [said, reason] = saidOf(await trial({ settings: hooking(handlers), at }));
    expect(said).toBe(verdict);
    expect(reason).toContain(why);
    if (handlers[0] === handlers[1]) expect(readFileSync(join(at.project, "n"), "utf8")).toBe("x\n");
  });

  it("a thousand: all run, and the one that denies is named", async () => {
    const at = scene();
    const { url, requests } = await loopback((_, response) => response.end("{}"));
    const handlers = Array.from({ length: 1000 }, (_, n) => {
      if (n % 5 !== 0) return { type: "http", url: `${url}/${n}` };
      return { type: "command", command: n === 775 ? "/bin/false" : "/bin/true", args: [String(n)] };
    });
    const judged = await trial({ settings: hooking(handlers), at });
    expect([judged.records.length, requests.length]).toEqual([1000, 800]);
    expect(saidOf(judged)).toEqual([FAILED, expect.stringContaining("`/bin/false 775`")]);
  });

  it("run at the same time, as far as there is room", async () => {
    const started = performance.now();
    await trial({ settings: hooking(Array.from({ length: 10 }, (_, n) => `sleep 1; : ${n}`)) });
    expect(performance.now() - started).toBeLessThan(8000);
  });
});

describe("who may let a failure pass", () => {
  const handler = { type: "command", command: "exit 1", onFailure: "continue" };

  it("a person, and the decision names the hook that failed", async () => {
    const { decision, records } = await trial({ settings: hooking([handler]) });
    expect([decision.verdict, decision.code]).toEqual(["ask", "cmd.file-modifying"]);
    expect(decision.opinions).toContainEqual(
      expect.objectContaining({ effect: "pass", code: "hook.failed" }),
    );
    expect(records).toMatchObject([
      { event: "PreToolUse", answer: "none", failure: "it ended with status 1" },
    ]);
  });

  it("never the organisation's own file, whose hooks fail closed", async () => {
    const [said] = saidOf(await trial({ settings: {}, managed: hooking([handler]) }));
    expect(said).toBe(FAILED);
  });

  it("not where an identical one blocks", async () => {
    const strict = { ...handler, onFailure: "block" };
    const [said] = saidOf(await trial({ settings: hooking([handler, strict]) }));
    expect(said).toBe(FAILED);
  });
});

describe("in every mode", () => {
  it.each([
    ["bypassPermissions", DENIES, DENY],
    ["bypassPermissions", ASKS, ASK],
    ["dontAsk", ASKS, "deny mode.dont-ask"],
    ["dontAsk", ALLOWS, ALLOW],
    ["plan", ALLOWS, "deny mode.plan"],
  ] as const)("%s, %j", async (mode, answer, verdict) => {
    const [said] = saidOf(await trial({ settings: hooking([printing(answer)]), mode }));
    expect(said).toBe(verdict);
  });

  it("an allow lifts no rule", async () => {
    const more = { permissions: { deny: ["Bash(touch *)"] } };
    const [said] = saidOf(await trial({ settings: hooking([printing(ALLOWS)], "PreToolUse", more) }));
    expect(said).toBe("deny rule.deny");
  });
});

describe("the process of a hook", () => {
  it("gets the payload on its input, and nowhere else", async () => {
    const at = scene();
    const look = `cat > seen; tr '\\0' '\\n' < /proc/$$/cmdline > argv; env > env`;
    await trial({
      settings: hooking([look]),
      at,
      command: "echo very-own-word",
      env: { API_TOKEN: "hidden", LC_ALL: "C" },
    });
    const seen: unknown = JSON.parse(readFileSync(join(at.project, "seen"), "utf8"));
    expect(seen).toMatchObject({
      session_id: "a-session",
      cwd: at.project,
      hook_event_name: "PreToolUse",
      permission_mode: "default",
      tool_name: "Bash",
      tool_input: { command: "echo very-own-word" },
      tool_use_id: expect.any(String),
    });
    const rest =
      readFileSync(join(at.project, "argv"), "utf8") + readFileSync(join(at.project, "env"), "utf8");
    expect(rest).not.toContain("very-own-word");
    expect(rest).not.toContain("hidden");
    expect(rest).toContain("LC_ALL=C");
  });

  describe("where the agent has gone to another directory", () => {
    const judged = async (handler: object, at: Scene): Promise<string> => {
      const gate = gateWith({ settings: hooking([handler]), at });
      const input = { tool: "Bash", input: { command: "echo hi" }, cwd: join(at.project, "sub") };
      const { decision } = await judgeWithHooks(gate, input, {}, openCallHooks(gate, "s", undefined));
      return `${decision.verdict} ${decision.code} ${existsSync(join(at.top, "planted"))}`;
    };
    const planted = (): Scene => {
      const at = scene();
      at.put("home/app/scripts/guard.sh", "#!/bin/sh\n", 0o755);
      at.put("home/app/sub/scripts/guard.sh", `#!/bin/sh\ntouch ${at.top}/planted\n`, 0o755);
      return at;
    };

    it.each<readonly [string, object]>([
      ["a program", { command: "./scripts/guard.sh" }],
      ["a script of another", { command: 'sh "scripts/guard.sh" x' }],
      ["one with arguments", { command: "./scripts/guard.sh", args: ["x"] }],
      ["a script among the arguments", { command: "sh", args: ["scripts/guard.sh"] }],
    ])("no file there passes for the project's: %s", async (_, handler) => {
      expect(await judged({ type: "command", ...handler }, planted())).toBe("deny hook.failed false");
    });

    it.each<readonly [string, object]>([
      ["by the project's root", { command: '"$CLAUDE_PROJECT_DIR"/scripts/guard.sh' }],
      ["with arguments", { command: "${CLAUDE_PROJECT_DIR}/scripts/guard.sh", args: [] }],
      ["a file that is there alone, as data", { command: "true x.py" }],
    ])("what is named otherwise runs: %s", async (_, handler) => {
      expect(await judged({ type: "command", ...handler }, planted())).toMatch(/^allow .* false$/);
    });

    it("the same file by two names is the project's", async () => {
      const at = planted();
      rmSync(join(at.project, "sub/scripts"), { recursive: true });
      symlinkSync(join(at.project, "scripts"), join(at.project, "sub/scripts"));
      expect(await judged({ type: "command", command: "./scripts/guard.sh" }, at)).toMatch(
        /^allow .* false$/,
      );
    });
  });

  it("has a session of its own, no terminal and three descriptors", async () => {
    const at = scene();
    const look = `ls /proc/self/fd > fds; cut -d' ' -f1,6,7 /proc/$$/stat > stat`;
    await trial({ settings: hooking([look]), at });
    // The list is read through one more.
    expect(readFileSync(join(at.project, "fds"), "utf8")).toBe("0\n1\n2\n3\n");
    const [pid, session, terminal] = readFileSync(join(at.project, "stat"), "utf8").trim().split(" ");
    expect([session, terminal]).toEqual([pid, "0"]);
  });

  it.each([
    ["in its group", "sleep 4711.1 & exit 2", "4711.1"],
    ["in its group, with the output open", "sleep 4711.2 & echo x; exit 2", "4711.2"],
    ["in a session of their own", "setsid sleep 4711.3 & sleep 0.1; exit 2", "4711.3"],
    [
      "in a session of their own, without its output",
      "setsid -f sleep 4711.4 >/dev/null 2>&1 </dev/null; exit 2",
      "4711.4",
    ],
  ])("leaves nothing behind that it started %s", async (_, command, mark) => {
    const started = performance.now();
    const [said] = saidOf(await trial({ settings: hooking([command]) }));
    expect(said).toBe(DENY);
    expect(await livingWith(`sleep\0${mark}`)).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("and what it started is ended with it when its time is up", async () => {
    const handler = { type: "command", command: "setsid sleep 4711.5 & sleep 4711.5", timeout: 0.3 };
    await trial({ settings: hooking([handler]) });
    expect(await livingWith("sleep\x004711.5")).toEqual([]);
  });

  it("holds no more memory the more it prints", async () => {
    const before = process.memoryUsage().rss;
    await trial({
      settings: hooking(Array.from({ length: 4 }, (_, n) => `head -c 50000000 /dev/zero; : ${n}`)),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(120_000_000);
  });

  it("is ended when the caller gives up, and the call is denied", async () => {
    const controller = new AbortController();
    const work = trial({ settings: hooking(["sleep 4711.6"]), signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    expect(saidOf(await work)).toEqual([FAILED, expect.stringContaining("interrupted")]);
    expect(await livingWith("sleep\x004711.6")).toEqual([]);
  });

  it("that has cordon run a call is not asked about it again", async () => {
    const [said, why] = saidOf(
      await trial({
        settings: hooking([{ type: "command", command: "true", onFailure: "continue" }]),
        env: { CORDON_HOOK: "x" },
      }),
    );
    expect(said).toBe(FAILED);
    expect(why).toContain("hooks are not run for the calls of hooks");
  });
});

describe("huge answers", () => {
  it("are cut in what they say, and never in the input", async () => {
    const long = "x".repeat(100_000);
    const at = scene();
    at.put("home/app/a.json", JSON.stringify(pre("ask", { permissionDecisionReason: long })));
    const asked = saidOf(await trial({ settings: hooking(["cat a.json"]), at }));
    expect(asked[1].length).toBeLessThan(11_000);
    at.put("home/app/a.json", JSON.stringify(changing(`echo ${long}`)));
    const changed = await trial({ settings: hooking(["cat a.json"]), at });
    expect(changed.input.input).toEqual({ command: `echo ${long}` });
  });

  it("that nest deeply are a failure", async () => {
    const at = scene();
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    at.put(
      "home/app/a.json",
      `{"hookSpecificOutput":{"hookEventName":"PreToolUse","updatedInput":{"command":${deep}}}}`,
    );
    const [said] = saidOf(await trial({ settings: hooking(["cat a.json"]), at }));
    expect(said).toBe(FAILED);
  });
});

describe("cordon's own entry in an agent's settings", () => {
  it.each([
    [
      "as it is installed",
      `sh -c 'timeout -s KILL 55 '\\''/opt/cordon'\\'' hook claude-code pre-tool-use || { echo "cordon: gate failed" >&2; exit 2; }'`,
    ],
    ["as a person writes it", "cordon hook claude-code pre-tool-use"],
  ])("%s is skipped", async (_, command) => {
    const judged = await trial({ settings: hooking([command]) });
    expect(judged.ran).toEqual([]);
  });

  it("is no way to hide another", async () => {
    const judged = await trial({
      settings: hooking([`echo ${quote("cordon hook claude-code pre-tool-use")}; exit 2`]),
    });
    expect(judged.decision.code).toBe("hook.deny");
  });
});

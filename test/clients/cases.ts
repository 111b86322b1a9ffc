import { createHash, randomUUID } from "node:crypto";
import { chmodSync } from "node:fs";
import { hookCommand } from "../../src/agents/claude-code/hook-command.ts";
import type { ScriptedCall } from "./model-server.ts";
import type { ClientRun, World } from "./world.ts";

/** One thing that is shown with the real client. Returns what is wrong, or undefined. */
export interface Case {
  readonly name: string;
  readonly show: (world: World) => Promise<string | undefined>;
}

const BYPASS = ["--permission-mode", "bypassPermissions"];
const bash = (command: string): ScriptedCall => ({
  tool: "Bash",
  input: { command, description: "a marker" },
});
const MARK = bash("touch RAN");

/** The call got through: its marker is on the disk. */
function ran(world: World, run: ClientRun, marker = "RAN"): string | undefined {
  return world.text(marker) === undefined ? `it did not run: ${tail(run)}` : undefined;
}

/** The call did not run, although the client made it and was told why. */
function blocked(world: World, run: ClientRun, because: string | RegExp, marker = "RAN"): string | undefined {
  if (world.text(marker) !== undefined) return "IT RAN";
  const told = run.results.map(({ text }) => text).join("\n");
  const right = typeof because === "string" ? told.includes(because) : because.test(told);
  return right
    ? undefined
    : `it did not run, but the reason is another one: ${told === "" ? tail(run) : told}`;
}

function tail({ log, results }: ClientRun): string {
  return `${JSON.stringify(results).slice(0, 600)} ${log.slice(-400)}`;
}

function installed(world: World, ...options: readonly string[]): void {
  const { status, stderr } = world.cordon("install", "claude-code", "--yes", ...options);
  if (status !== 0) throw new Error(`cordon install ended with ${status}: ${stderr}`);
}

/** Settings whose only hook is the line that an installation of `launcher` would write. */
function hookedTo(world: World, launcher: string, change: (line: string) => string = (line) => line): void {
  const command = change(hookCommand(launcher, true));
  const hooks = { PreToolUse: [{ matcher: "*", hooks: [{ type: "command", command, timeout: 60 }] }] };
  world.put(`${world.home}/.claude/settings.json`, JSON.stringify({ hooks }));
}

function userRules(world: World, permissions: object): void {
  world.put(`${world.home}/.config/cordon/settings.json`, JSON.stringify({ permissions }));
}

/** A launcher that stands in for a cordon that is broken in one way. */
function broken(name: string, script: string, change?: (line: string) => string): Case {
  return {
    name: `${name}: the call does not run`,
    show: async (world) => {
      hookedTo(world, world.put("../broken/cordon", `#!/bin/sh\n${script}\n`, 0o755), change);
      return blocked(world, await world.run(MARK, ...BYPASS), "cordon: gate failed");
    },
  };
}

/** A hook of ours that prints this object as the event's own part of the answer. */
function answering(world: World, event: string, answer: object): void {
  const text = JSON.stringify({ hookSpecificOutput: { hookEventName: event, ...answer } });
  const program = world.put("../stand-in/hook", `#!/bin/sh\ncat > /dev/null\nprintf %s '${text}'\n`, 0o755);
  const hooks = { [event]: [{ hooks: [{ type: "command", command: program, timeout: 60 }] }] };
  world.put(`${world.home}/.claude/settings.json`, JSON.stringify({ hooks }));
}

/** What an answer with context and no decision leaves to the client, mode by mode. */
const CONTEXT = "the words of a hook";
const WITH_CONTEXT: readonly (readonly [string, readonly string[], boolean])[] = [
  ["headless, what the client would ask about does not run", [], false],
  ["in dontAsk it does not run", ["--permission-mode", "dontAsk"], false],
  ["in plan mode it does not run", ["--permission-mode", "plan"], false],
  [
    "a deny rule of the client's own holds",
    ["--disallowedTools", "Bash(python3 *)", "--permission-mode", "bypassPermissions"],
    false,
  ],
  ["an allow rule of the client's own holds", ["--allowedTools", "Bash(python3 *)"], true],
  ["where permissions are skipped it runs", BYPASS, true],
];

function contextOnly([name, argv, runs]: (typeof WITH_CONTEXT)[number]): Case {
  return {
    name: `context without a decision decides nothing: ${name}`,
    show: async (world) => {
      answering(world, "PreToolUse", { additionalContext: CONTEXT });
      const run = await world.run(bash('python3 -c \'open("RAN", "w")\''), ...argv);
      if (!run.heard.includes(CONTEXT)) return `the model was not told: ${tail(run)}`;
      if ((world.text("RAN") !== undefined) !== runs) return runs ? `it did not run: ${tail(run)}` : "IT RAN";
      return undefined;
    },
  };
}

/** Everything that is shown, `cordon` being the launcher under test. */
export function casesFor(cordon: string): readonly Case[] {
  return [
    {
      name: "without the hook the call runs (control)",
      show: async (world) => ran(world, await world.run(MARK, ...BYPASS)),
    },
    {
      name: "a call that is allowed goes on as without cordon",
      show: async (world) => {
        installed(world);
        userRules(world, { allow: ["Bash(touch RAN)"] });
        return ran(world, await world.run(MARK, ...BYPASS));
      },
    },
    {
      name: "a command that only reads runs",
      show: async (world) => {
        installed(world);
        world.put("note.txt", "the note\n");
        const run = await world.run(bash("cat note.txt"));
        return run.results[0]?.text.includes("the note") === true ? undefined : tail(run);
      },
    },
    {
      name: "a deny rule holds where permissions are skipped",
      show: async (world) => {
        installed(world);
        userRules(world, { deny: ["Bash(touch *)"] });
        return blocked(world, await world.run(MARK, ...BYPASS), "Bash(touch *)");
      },
    },
    {
      name: "a forced push to main does not run, nor what stands behind it",
      show: async (world) => {
        installed(world);
        return blocked(
          world,
          await world.run(bash("git push --force origin main; touch RAN"), ...BYPASS),
          "git.force-push-protected",
        );
      },
    },
    {
      name: "a destructive command asks, so headless it does not run",
      show: async (world) => {
        installed(world);
        const run = await world.run(bash("touch RAN && git reset --hard"), "--allowedTools", "Bash");
        return blocked(world, run, "cmd.destructive");
      },
    },
    {
      name: "where permissions are skipped a question is a denial, so that no check of the client's own can drop it",
      show: async (world) => {
        installed(world);
        world.put(".git/HEAD", "ref: refs/heads/main\n");
        const run = await world.run(bash("touch RAN; git reset --hard; echo x > .git/config"), ...BYPASS);
        return blocked(world, run, "cmd.destructive");
      },
    },
    {
      name: "what asks does not run headless, though the client's own rule allows it",
      show: async (world) => {
        installed(world);
        userRules(world, { ask: ["Bash(touch *)"] });
        return blocked(world, await world.run(MARK, "--allowedTools", "Bash"), "Bash(touch *)");
      },
    },
    {
      name: "a file is not written where a rule denies it",
      show: async (world) => {
        installed(world);
        userRules(world, { deny: ["Edit(RAN)"] });
        const call = { tool: "Write", input: { file_path: `${world.project}/RAN`, content: "x" } };
        return blocked(world, await world.run(call, ...BYPASS), "Edit(RAN)");
      },
    },
    {
      name: "without auto-approve an allow of cordon's is silence, and the client asks itself",
      show: async (world) => {
        installed(world);
        userRules(world, { allow: ["Bash(python3 *)"] });
        const run = await world.run(bash('python3 -c \'open("RAN", "w")\''));
        return blocked(world, run, /^(?!.*cordon).*(?:permission|approval)/is);
      },
    },
    {
      name: "with auto-approve it runs without a rule of the client's own",
      show: async (world) => {
        installed(world, "--auto-approve");
        world.put(
          `${world.home}/.config/cordon/settings.json`,
          JSON.stringify({
            cordon: { hook: { autoApprove: true } },
            permissions: { allow: ["Bash(python3 *)"] },
          }),
        );
        return ran(world, await world.run(bash('python3 -c \'open("RAN", "w")\'')));
      },
    },
    {
      name: "auto-approve opens nothing in plan mode",
      show: async (world) => {
        installed(world, "--auto-approve");
        return blocked(world, await world.run(MARK, "--permission-mode", "plan"), "plan mode only reads");
      },
    },
    {
      name: "with the sandbox a script runs inside it, and what it writes elsewhere stays inside",
      show: async (world) => {
        installed(world, "--sandbox");
        world.put("build.sh", `echo "inside=$CORDON_SANDBOX" > RAN\necho out > ${world.outside}/OUT\n`);
        const run = await world.run(bash('sh build.sh; echo "it\'s done"'));
        const wrong = ran(world, run);
        if (wrong !== undefined) return wrong;
        if (world.text("RAN") !== "inside=1\n")
          return `it did not run in the sandbox: ${world.text("RAN") ?? ""}`;
        if (world.exists(`${world.outside}/OUT`)) return "it wrote outside the project";
        return run.results[0]?.text.includes("it's done") === true ? undefined : tail(run);
      },
    },
    {
      name: "with the sandbox a denied call is still denied",
      show: async (world) => {
        installed(world, "--sandbox");
        return blocked(
          world,
          await world.run(bash("touch RAN; git push -f origin main"), ...BYPASS),
          "git.force-push-protected",
        );
      },
    },
    {
      name: "the agent cannot take the hook out with cordon's own command",
      show: async (world) => {
        installed(world);
        const command = `${cordon} uninstall claude-code --yes; touch RAN`;
        return blocked(world, await world.run(bash(command), ...BYPASS), "cmd.guard");
      },
    },
    {
      name: "the agent cannot write its own settings unasked",
      show: async (world) => {
        installed(world);
        const file = `${world.project}/.claude/settings.local.json`;
        const run = await world.run({ tool: "Write", input: { file_path: file, content: "{}" } }, ...BYPASS);
        return blocked(world, run, "path.agent-config", ".claude/settings.local.json");
      },
    },
    {
      name: "a subagent is gated as the agent is",
      show: async (world) => {
        installed(world);
        const spawn = (tool: string): ScriptedCall => ({
          tool,
          input: { description: "d", prompt: "touch it", subagent_type: "general-purpose" },
        });
        userRules(world, { allow: ["Agent"], deny: ["Bash(touch *)"] });
        return blocked(
          world,
          await world.run([spawn("Agent"), spawn("Task"), MARK], ...BYPASS),
          "Bash(touch *)",
        );
      },
    },
    {
      name: "an installation in the project gates too",
      show: async (world) => {
        installed(world, "--project");
        userRules(world, { deny: ["Bash(touch *)"] });
        return blocked(world, await world.run(MARK, ...BYPASS), "Bash(touch *)");
      },
    },
    {
      name: "a launcher in a place with blanks and quotes answers",
      show: async (world) => {
        const odd = world.put(
          `../it's "odd" $HOME/cordon`,
          `#!/bin/sh\nexec '${cordon.replaceAll("'", `'\\''`)}' "$@"\n`,
          0o755,
        );
        hookedTo(world, odd);
        return blocked(
          world,
          await world.run(bash("git push -f origin main; touch RAN"), ...BYPASS),
          "git.force-push-protected",
        );
      },
    },
    {
      name: "a missing program: the call does not run",
      show: async (world) => {
        hookedTo(world, `${world.home}/gone/cordon`);
        return blocked(world, await world.run(MARK, ...BYPASS), "cordon: gate failed");
      },
    },
    broken("a crash", "exit 1"),
    broken("a crash with the status of an internal error", "exit 70"),
    broken("a kill", "kill -KILL $$"),
    broken("a hang", "sleep 300", (line) => line.replace("KILL 55 ", "KILL 2 ")),
    {
      name: "a payload that is garbage: the call does not run",
      show: async (world) => {
        hookedTo(world, world.put("../broken/cordon", `#!/bin/sh\necho garbage | ${cordon} "$@"\n`, 0o755));
        return blocked(world, await world.run(MARK, ...BYPASS), "cordon could not judge this call");
      },
    },
    {
      name: "a faulty settings file of cordon's: the call does not run",
      show: async (world) => {
        installed(world);
        world.put(`${world.home}/.config/cordon/settings.json`, '{"permissions": {"deny": [');
        return blocked(world, await world.run(MARK, ...BYPASS), /settings\.json/);
      },
    },
    ...WITH_CONTEXT.map(contextOnly),
    {
      name: "instructions about the file of a call reach the model",
      show: async (world) => {
        installed(world);
        world.put("src/x.ts", "export {};\n");
        const rules = "---\npaths: '*.ts'\n---\nWrite in the old style.\n";
        world.put(`${world.home}/.claude/rules/cordon.md`, rules.replace("*.ts", "src/*.ts"));
        const call = { tool: "Read", input: { file_path: `${world.project}/src/x.ts` } };
        const said = "cordon: instructions for src/x.ts";
        const run = await world.run(call);
        if (!run.heard.includes(said)) return `the model was not told: ${tail(run)}`;
        if (!run.results.some(({ text }) => text.includes("export"))) return `it was not read: ${tail(run)}`;
        return undefined;
      },
    },
    {
      name: "what was denied is told when the session is taken up again",
      show: async (world) => {
        const line = (event: string): object => ({
          hooks: [{ type: "command", command: `'${cordon}' hook claude-code ${event}`, timeout: 60 }],
        });
        const hooks = { PreToolUse: [line("pre-tool-use")], SessionStart: [line("session-start")] };
        world.put(`${world.home}/.claude/settings.json`, JSON.stringify({ hooks }));
        userRules(world, { deny: ["Bash(touch *)"] });
        const said = "cordon: denied in this session";
        const run = await world.run(MARK, ...BYPASS);
        if (run.heard.includes(said)) return "it was told too early";
        const again = await world.run(MARK, "--continue", ...BYPASS);
        if (!again.heard.includes(said)) return `the model was not told: ${tail(again)}`;
        return blocked(world, again, "Bash(touch *)");
      },
    },
    {
      name: "what was allowed for a session runs in it, where cordon approves",
      show: async (world) => {
        installed(world, "--auto-approve");
        const [one, two] = [randomUUID(), randomUUID()];
        const store = createHash("sha256").update(one).digest("hex").slice(0, 32);
        world.put(`${world.home}/.local/state/cordon/run/${store}.grants`, "Bash(touch RAN)\n", 0o600);
        chmodSync(`${world.home}/.local/state/cordon/run`, 0o700);
        const wrong = blocked(world, await world.run(MARK, "--session-id", two), "cmd.file-modifying");
        return wrong ?? ran(world, await world.run(MARK, "--session-id", one));
      },
    },
    {
      name: "after uninstall the call runs again and the settings are as they were",
      show: async (world) => {
        const file = `${world.home}/.claude/settings.json`;
        const text = '{\n\t"model":"opus" ,\r\n\t"env": {}\n}';
        world.put(file, text);
        installed(world);
        const { status, stderr } = world.cordon("uninstall", "claude-code", "--yes");
        if (status !== 0) return `cordon uninstall ended with ${status}: ${stderr}`;
        if (world.text("../home/.claude/settings.json") !== text) return "the settings are not as they were";
        return ran(world, await world.run(MARK, ...BYPASS));
      },
    },
  ];
}

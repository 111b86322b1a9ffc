import { join } from "node:path";
import { expect, it } from "vitest";
import { createGate } from "../../src/host/gate.ts";
import { scene } from "../cli/scene.ts";

it("asks before its own program is changed, in every mode, and lets it be read", () => {
  const at = scene();
  const gate = createGate({ cwd: process.cwd(), home: at.home, env: at.env, mode: "bypassPermissions" });
  const code = (command: string): string => gate.decide({ tool: "Bash", input: { command } }).code;
  for (const command of [
    "echo x > dist/bin/program.cjs",
    "rm -rf dist",
    "mv dist old",
    "cp x node_modules/unbash/dist/index.js",
  ])
    expect(code(command), command).toBe("path.agent-config");
  const edit = { file_path: join(process.cwd(), "dist/bin/program.cjs.cache"), content: "" };
  expect(gate.decide({ tool: "Write", input: edit }).code).toBe("path.agent-config");
  expect(gate.decide({ tool: "Bash", input: { command: "cat dist/bin/program.cjs" } }).verdict).toBe("allow");
});

it("guards the directories that the environment puts elsewhere, by every name", () => {
  const at = scene();
  const [agent, config, state] = ["agent", "config", "state"].map((name) => join(at.top, name));
  const env = { ...at.env, CLAUDE_CONFIG_DIR: agent, XDG_CONFIG_HOME: config, XDG_STATE_HOME: state };
  const gate = createGate({ cwd: at.project, home: at.home, env, mode: "bypassPermissions" });
  const said = (command: string): string => {
    const { verdict, code } = gate.decide({ tool: "Bash", input: { command } });
    return `${verdict} ${code}`;
  };
  for (const [command, expected] of [
    [`echo x > ${agent}/settings.json`, "ask path.agent-config"],
    ["echo x > $CLAUDE_CONFIG_DIR/settings.json", "ask path.agent-config"],
    [`rm -rf ${agent}/hooks`, "ask path.agent-config"],
    [`cat ${agent}/.credentials.json`, "deny path.credential"],
    [`touch ${config}/cordon/settings.json`, "deny path.guard"],
    [`cat ${config}/gcloud/x`, "deny path.credential"],
    [`touch ${state}/cordon/trust`, "deny path.guard"],
    ['touch "$XDG_STATE_HOME"/cordon/trust', "deny path.guard"],
    [`touch ${at.home}/.config/cordon/settings.json`, "deny path.guard"],
  ] as const)
    expect(said(command), command).toBe(expected);
});

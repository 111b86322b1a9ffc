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

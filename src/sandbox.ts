export { openSandbox, placeOf } from "./host/sandbox/sandbox.ts";
export type { Sandbox } from "./host/sandbox/sandbox.ts";
export { SandboxError } from "./host/sandbox/error.ts";
export { probeSandbox } from "./host/sandbox/linux/probe.ts";
export type { Probe } from "./host/sandbox/linux/probe.ts";
export { shellCommand } from "./host/sandbox/linux/arguments.ts";
export { PATHS } from "./core/knowledge/paths.gen.ts";
export type { Planned, SandboxPlan } from "./core/layers/9-sandbox/plan.ts";
export type { SandboxResult, Violation } from "./core/layers/9-sandbox/result.ts";

import type { SandboxPlan } from "../core/layers/9-sandbox/plan.ts";
import { seatbeltProfile } from "../core/layers/9-sandbox/seatbelt.ts";
import { printableJson } from "./command.ts";

/** Stands for the directory that is made for each command. */
const TEMPORARY = "/private/var/folders/cordon-command";

/** The profile that macOS would be given for a plan, with what its parameters stand for as comments. */
export function shownProfile(plan: SandboxPlan): string {
  const { text, parameters } = seatbeltProfile(plan, { temporary: TEMPORARY });
  const values = parameters.map(([name, value]) => `; ${name} = ${printableJson(JSON.stringify(value))}\n`);
  return `${text}\n${values.join("")}`;
}

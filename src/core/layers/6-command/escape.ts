import { type JsonObject, stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { show } from "../../inquiry/show.ts";

/**
 * The agent's request to leave the sandbox is a question, never a switch: nothing but a person
 * answers it. Where the settings let nobody out, a call that stays in the sandbox anyway is judged
 * as if it had not asked, and one that would run without is denied.
 */
export function escapeOpinions({ call, context }: Inquiry): readonly Opinion[] {
  if (!asksToLeave(call.input)) return [];
  const instead = "for one path ask with `cordon sandbox --write PATH -- COMMAND`";
  if (context.policy.sandbox.allowUnsandboxedCommands)
    return [
      {
        layer: "command",
        effect: "ask",
        kind: "sandbox",
        code: "sandbox.escape",
        why: `the agent asks to run this outside the sandbox${reasonIn(stringAt(call.input, "reason") ?? stringAt(call.input, "description"))}`,
        hint: instead,
      },
    ];
  if (call.sandboxed === true) return [];
  return [
    {
      layer: "command",
      effect: "deny",
      code: "sandbox.escape-refused",
      why: "the agent asks to run this outside the sandbox, and the settings let nobody do that (`sandbox.allowUnsandboxedCommands`)",
      hint: `leave \`dangerouslyDisableSandbox\` away; ${instead}`,
    },
  ];
}

/**
 * Whether a call asks to run outside the sandbox. Any value but `false` counts: a host may read
 * `"true"` and `1` as a yes.
 */
export function asksToLeave(input: JsonObject): boolean {
  const { dangerouslyDisableSandbox: asked } = input;
  return asked !== undefined && asked !== null && asked !== false && asked !== "false";
}

/**
 * One question for each path that is to be opened in the sandbox. What the path means, and what
 * rules say of it, other layers tell: to them it is a path the command uses.
 */
export function openingOpinions({ call }: Inquiry): readonly Opinion[] {
  const { opens } = call;
  return (opens?.paths ?? []).map(({ access, path }): Opinion => ({
    layer: "command",
    effect: "ask",
    kind: "sandbox",
    code: "sandbox.opening",
    why: `the agent asks to ${access} \`${show(path)}\`, which the sandbox keeps closed${reasonIn(opens?.reason)}`,
    subject: path,
  }));
}

/** The agent's own words, told from cordon's. */
function reasonIn(text: string | undefined): string {
  const said = (text ?? "").trim();
  return said === "" ? ", and gives no reason" : `; its reason: \`${show(said)}\``;
}

import type { Facts } from "../../call/facts.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { aboutUse } from "../../inquiry/locate.ts";
import { show } from "../../inquiry/show.ts";
import { acceptEditsOpinions } from "./accept-edits.ts";
import { planOpinions } from "./plan.ts";
import { webOpinions } from "./web.ts";

/**
 * Layer 7: what the mode makes of what is left. Raises the question that every call starts with
 * (`unmatched`) and gives the mode's own answers; what the table of asks does not let a mode
 * answer stays a question.
 */
export function modeLayer(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const opinions: Opinion[] = [...unmatched(inquiry), ...webOpinions(inquiry, facts)];
  if (inquiry.fault !== undefined) {
    opinions.push({
      layer: "mode",
      effect: "deny",
      code: "tool.input",
      why: `\`${inquiry.tool}\` cannot run: ${inquiry.fault}`,
    });
  }
  switch (inquiry.mode) {
    case "supervised":
      opinions.push({
        layer: "mode",
        effect: "ask",
        kind: "supervised",
        code: "mode.supervised",
        why: "the mode asks about every call",
      });
      break;
    case "plan":
      opinions.push(...planOpinions(inquiry));
      break;
    case "acceptEdits":
      opinions.push(...acceptEditsOpinions(inquiry, facts));
      break;
    case "bypassPermissions":
      opinions.push({
        layer: "mode",
        effect: "allow",
        answers: inquiry.call.sandboxed === true ? "bypass-sandboxed" : "bypass",
        code: "mode.bypass",
        why: "the mode skips permission questions",
      });
      break;
    case "dontAsk":
    case "default":
    case "auto":
      break;
  }
  if (autoAllows(inquiry)) {
    opinions.push({
      layer: "mode",
      effect: "allow",
      answers: "autoAllow",
      code: "sandbox.auto-allow",
      why: "it runs in cordon's sandbox",
    });
  }
  return opinions;
}

/** The settings let sandboxed commands run unasked, and this one will run in cordon's sandbox. */
function autoAllows(inquiry: Inquiry): boolean {
  const mode = inquiry.mode;
  return (
    inquiry.class === "shell" &&
    inquiry.call.sandboxed === true &&
    inquiry.context.policy.sandbox.autoAllowBashIfSandboxed &&
    mode !== "plan" &&
    mode !== "supervised"
  );
}

/** The question every call starts with: nothing said anything. One for each part or path. */
function unmatched(inquiry: Inquiry): readonly Opinion[] {
  const ask = (
    why: string,
    code: Opinion["code"],
    place: Pick<Opinion, "part" | "subject" | "about" | "span"> = {},
  ): Opinion => ({
    layer: "mode",
    effect: "ask",
    kind: "unmatched",
    code,
    why,
    ...place,
  });
  const { input } = inquiry.call;
  switch (inquiry.class) {
    case "shell": {
      const parts = (inquiry.script?.invocations ?? []).filter(({ nesting }) => nesting !== "code");
      return parts.map(({ id, words, span }) =>
        ask(`nothing allows \`${show(words.map(({ text }) => text).join(" "))}\``, "mode.default", {
          part: id,
          span,
        }),
      );
    }
    case "read":
    case "edit": {
      const uses = inquiry.uses.filter(({ hint }) => hint !== true);
      return uses.map((use) =>
        ask(
          `nothing allows ${inquiry.class === "edit" ? "changing" : "reading"} \`${use.shown}\``,
          "mode.default",
          { subject: use.path, about: aboutUse(use) },
        ),
      );
    }
    case "web-fetch":
      return [ask(`no rule allows the address \`${show(stringAt(input, "url") ?? "")}\``, "net.host")];
    case "web-search":
      return [ask("a web search leaves the machine", "net.search")];
    case "agent":
      return [ask(`starts the agent \`${stringAt(input, "subagent_type") ?? "default"}\``, "agent.spawn")];
    case "skill":
      return [
        ask(
          `runs the skill \`${stringAt(input, "skill") ?? stringAt(input, "command") ?? ""}\``,
          "skill.run",
        ),
      ];
    case "internal":
      return [
        ask("bookkeeping inside the agent", "tool.internal"),
        {
          layer: "mode",
          effect: "allow",
          answers: "built-in",
          code: "tool.internal",
          why: "bookkeeping inside the agent",
        },
      ];
    case "interaction":
      return [
        {
          layer: "mode",
          effect: "ask",
          kind: "interaction",
          code: "mode.default",
          why: "the tool is a question to the person",
        },
      ];
    case "mcp":
      return [ask(`no rule allows the tool \`${inquiry.tool}\``, "mcp.tool")];
    case "unknown":
      return [ask(`\`${inquiry.tool}\` is not a tool cordon knows`, "tool.unknown")];
  }
}

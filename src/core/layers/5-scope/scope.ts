import type { Facts } from "../../call/facts.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Inquiry, PathUse } from "../../inquiry/inquiry.ts";
import {
  type Located,
  type Workspace,
  aboutUse,
  isInside,
  leavesByLink,
  locate,
  workspaceOf,
} from "../../inquiry/locate.ts";
import { carriedOpinions } from "./carried.ts";
import { isMeaning } from "./hidden.ts";
import { meaningOpinions } from "./meanings.ts";

/** Layer 5: whether every path, after resolving links, is where the agent may work, and what it means. */
export function scopeLayer(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  if (inquiry.uses.length === 0) return [];
  const workspace = workspaceOf(inquiry.context, inquiry, facts);
  const opinions = inquiry.uses.flatMap((use) =>
    use.known || use.glob !== undefined
      ? locate(use, facts).flatMap((located) => judge(inquiry, use, located, workspace, facts))
      : [
          ...locate(use, facts).flatMap((located) =>
            meaningOpinions(inquiry, use, located, facts).filter(isMeaning),
          ),
          unknown(inquiry, use),
        ],
  );
  return [...opinions, ...carriedOpinions(inquiry, facts)];
}

function judge(
  inquiry: Inquiry,
  use: PathUse,
  located: Located,
  workspace: Workspace,
  facts: Facts,
): readonly Opinion[] {
  const opinions: Opinion[] = [...meaningOpinions(inquiry, use, located, facts)];
  // In other modes the word that is not known asks by itself.
  const led = use.tried === true && located.certain && inquiry.mode === "bypassPermissions";
  if (use.hint === true && !(led && !isInside(located, workspace))) return opinions.filter(isMeaning);
  const inside = isInside(located, workspace);
  const changes = use.action === "write" || use.action === "delete";
  const about = aboutUse(use, located.name);
  const place = { layer: "scope", part: use.part, subject: use.path, about, span: use.span } as const;
  const what =
    located.name === located.real
      ? `\`${use.shown}\``
      : `\`${use.shown}\`, which leads to \`${located.real}\`,`;

  if (located.missing === true) {
    const why = `where \`${use.shown}\` leads could not be found out`;
    return [...opinions, { ...place, effect: "deny", code: "path.unresolved", why }];
  }
  if (use.glob !== undefined && !located.certain) {
    opinions.push({
      ...place,
      effect: "ask",
      kind: guardedKind(inquiry),
      code: "path.unknown",
      why: `what \`${use.shown}\` becomes is not known`,
    });
  } else if (!located.certain && use.glob === undefined) {
    opinions.push({
      ...place,
      effect: "ask",
      kind: "path.outside",
      code: "path.outside",
      why: `\`${use.shown}\` cannot be reached`,
    });
  }
  if (!inside) {
    opinions.push(...blocked(inquiry, use, what));
    const link = leavesByLink(located, workspace);
    opinions.push({
      ...place,
      effect: "ask",
      kind: link ? "path.link" : "path.outside",
      code: link ? "path.link" : "path.outside",
      why: link
        ? `${what} leaves the working directories through a link`
        : `${what} is outside the working directories`,
    });
  } else if (!changes && inquiry.class === "read" && located.certain) {
    opinions.push({
      ...place,
      effect: "allow",
      answers: "built-in",
      code: "path.inside",
      why: `${what} is inside the working directories`,
    });
  }
  return opinions;
}

/** `blockReadsOutsideWorkingDirectories` and its sister: file tools are refused, commands ask. */
function blocked(inquiry: Inquiry, use: PathUse, what: string): readonly Opinion[] {
  const { blockReadsOutside, blockWritesOutside } = inquiry.context.policy.limitsOfPaths;
  const origin = use.action === "write" || use.action === "delete" ? blockWritesOutside : blockReadsOutside;
  if (origin === undefined) return [];
  const file = inquiry.class === "read" || inquiry.class === "edit";
  return [
    {
      layer: "scope",
      effect: file ? "deny" : "ask",
      ...(file ? {} : { kind: "managed" as const }),
      code: "path.blocked-outside",
      why: `${what} is outside the working directories, and the settings refuse that`,
      part: use.part,
      subject: use.path,
      span: use.span,
      rule: {
        text: origin.file ?? "settings",
        effect: "deny",
        scope: origin.scope,
        file: origin.file,
        line: origin.line,
      },
    },
  ];
}

function unknown(inquiry: Inquiry, use: PathUse): Opinion {
  const verb =
    use.action === "read" || use.action === "run" ? "read" : use.action === "delete" ? "removed" : "written";
  return {
    layer: "scope",
    effect: "ask",
    kind: guardedKind(inquiry),
    code: "path.unknown",
    why: `which path is ${verb} for \`${use.shown}\` is not known before it runs`,
    part: use.part,
    subject: use.path,
    span: use.span,
  };
}

/** Unknown paths are graver where a rule forbids or asks about some path, unless the sandbox enforces it. */
function guardedKind(inquiry: Inquiry): "unknown" | "unknown.guarded" {
  const { rules } = inquiry.context;
  return rules.guardsPaths && inquiry.call.sandboxed !== true ? "unknown.guarded" : "unknown";
}

import type { Facts } from "../../call/facts.ts";
import type { Opinion } from "../../call/opinion.ts";
import { HOLE, isKnown } from "../../call/word.ts";
import type { Invocation } from "../../shell/script.ts";

/** Branches that are never pushed to by force. */
const PROTECTED: ReadonlySet<string> = new Set(["main", "master"]);

/**
 * Judges forced pushes (design, section 3): to main or master never, with a lease or elsewhere
 * only by a person, to a branch that cannot be known never.
 */
export function pushOpinions(invocation: Invocation, facts: Facts): readonly Opinion[] {
  const { reading } = invocation;
  if (reading.path[0] !== "git" || !/^(?:push|send-pack)$/.test(reading.path[1] ?? "")) return [];
  const has = (name: string): boolean => reading.options.has(name);
  const refs = reading.operands.slice(1);
  const place = { layer: "command", part: invocation.id, span: invocation.span } as const;
  const named = refs.map((word) => destination(word.text));
  const forced = has("--force") || refs.some(({ text }) => text.startsWith("+"));
  const lease = has("--force-with-lease");
  const deletes = has("--delete") || refs.some(({ text }) => /^\+?:./.test(text));
  const mirror = has("--mirror");
  const unsure = reading.doubts.some(({ code }) => code === "cmd.dynamic") || !refs.every(isKnown);

  if (mirror)
    return [
      {
        ...place,
        effect: "deny",
        code: "git.force-push-protected",
        why: "a mirror push overwrites and deletes every branch, main and master too",
      },
    ];
  if (!forced && !lease && !deletes) {
    // A word that is not known may be `--force`.
    return unsure
      ? [
          {
            ...place,
            effect: "ask",
            kind: "destructive",
            code: "git.force-push-unknown",
            why: "whether this push is forced cannot be known before it runs",
          },
        ]
      : [];
  }
  const hit = named.find((branch) => PROTECTED.has(branch));
  const verb = deletes ? "deletes" : "overwrites";
  if (hit !== undefined && (forced || deletes)) {
    return [
      {
        ...place,
        effect: "deny",
        code: "git.force-push-protected",
        why: `${verb} \`${hit}\` on the remote`,
        hint: "push to a branch of its own and open a pull request",
      },
    ];
  }
  const branch = refs.length > 0 ? undefined : branchOf(invocation, facts);
  if (refs.length === 0 && !has("--all") && !has("--tags")) {
    if (branch === undefined) {
      if (forced || deletes)
        return [
          {
            ...place,
            effect: "deny",
            code: "git.force-push-unknown",
            why: "a forced push, and the branch it goes to cannot be known",
            hint: "name the remote and the branch",
          },
        ];
    } else if (PROTECTED.has(branch) && forced) {
      return [
        {
          ...place,
          effect: "deny",
          code: "git.force-push-protected",
          why: `overwrites \`${branch}\`, which is checked out, on the remote`,
        },
      ];
    }
  }
  if (has("--all") && forced)
    return [
      {
        ...place,
        effect: "deny",
        code: "git.force-push-protected",
        why: "overwrites every branch on the remote, main and master too",
      },
    ];
  if (named.some((text) => text.includes(HOLE) || text.includes("*")) && forced) {
    return [
      {
        ...place,
        effect: "deny",
        code: "git.force-push-unknown",
        why: "a forced push, and the branch it goes to cannot be known",
        hint: "name the branch",
      },
    ];
  }
  if (lease && !forced && !deletes) {
    return [
      {
        ...place,
        effect: "ask",
        kind: "destructive",
        code: "git.force-with-lease",
        why: "a forced push with a lease overwrites the remote branch unless it has moved",
      },
    ];
  }
  return [
    {
      ...place,
      effect: "ask",
      kind: "destructive",
      code: "git.force-push",
      why: deletes
        ? `deletes \`${named.join(" ")}\` on the remote`
        : "a forced push overwrites what others may have pushed",
      hint: "use `--force-with-lease`, or push to a new branch",
    },
  ];
}

/** The branch a refspec writes: `+a:b` is `b`, `HEAD:refs/heads/main` is `main`. */
function destination(refspec: string): string {
  const target = refspec.replace(/^\+/, "").split(":").at(-1) ?? "";
  return target.replace(/^refs\/heads\//, "");
}

/** The checked-out branch where the command runs; undefined where it cannot be known. */
function branchOf(invocation: Invocation, facts: Facts): string | undefined {
  const [directory, ...others] = invocation.directories ?? [];
  if (directory === undefined || others.length > 0 || invocation.reading.options.has("--git-dir"))
    return undefined;
  return facts.branches.get(`branch:${directory}`)?.branch;
}

/** The rules and calls that every engine gets, in no engine's own form. */

/** One rule. A command rule covers commands that begin with `words`; a path rule `*.txt` files in any directory `directory`. */
export type NeutralRule =
  | { readonly effect: Answer; readonly tool: "Bash"; readonly words: string }
  | { readonly effect: Answer; readonly tool: "Read"; readonly directory: string };

export type Answer = "allow" | "ask" | "deny";

export type NeutralCall =
  | { readonly tool: "Bash"; readonly command: string }
  | { readonly tool: "Read"; readonly path: string };

/**
 * `count` rules, half about commands, half about paths; of each 60 % allow, 20 % ask, 20 % deny.
 * The last rule is `npm run`.
 */
export function neutralRules(count: number): readonly NeutralRule[] {
  const rules = Array.from({ length: count - 1 }, (_, at): NeutralRule => {
    const effect = at % 5 === 0 ? "deny" : at % 5 === 1 ? "ask" : "allow";
    return at % 10 < 5
      ? { effect, tool: "Bash", words: `task${at} run` }
      : { effect, tool: "Read", directory: `dir${at}` };
  });
  return [...rules, { effect: "allow", tool: "Bash", words: "npm run" }];
}

/** The kinds of call, in the order they are printed. */
export const KINDS = [
  "allowed command",
  "command to ask about",
  "denied command",
  "command no rule names",
  "allowed path",
  "denied path",
  "denied command behind an allowed one",
] as const;
export type Kind = (typeof KINDS)[number];

/** What the rules say about a kind of call. */
export const MEANT: Readonly<Record<Kind, Answer>> = {
  "allowed command": "allow",
  "command to ask about": "ask",
  "denied command": "deny",
  "command no rule names": "ask",
  "allowed path": "allow",
  "denied path": "deny",
  "denied command behind an allowed one": "deny",
};

/** A call of the kind; another text in every round, spread over all rules. */
export function neutralCall(kind: Kind, count: number, round: number, root: string): NeutralCall {
  const ten = 10 * ((round * 7919) % Math.max(1, Math.floor(count / 10)));
  const bash = (command: string): NeutralCall => ({ tool: "Bash", command });
  const read = (directory: number): NeutralCall => ({
    tool: "Read",
    path: `${root}/src/dir${directory}/f${round}.txt`,
  });
  switch (kind) {
    case "allowed command":
      return bash(round % 2 === 0 ? `npm run build --n=${round}` : `task${ten + 2} run --n=${round}`);
    case "command to ask about":
      return bash(`task${ten + 1} run --n=${round}`);
    case "denied command":
      return bash(`task${ten} run --n=${round}`);
    case "command no rule names":
      return bash(`other${ten} run --n=${round}`);
    case "allowed path":
      return read(ten + 7);
    case "denied path":
      return read(ten + 5);
    case "denied command behind an allowed one":
      return bash(`npm run build --n=${round} && task${ten} run`);
  }
}

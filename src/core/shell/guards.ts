import { type ParsedScript, type SyntaxNode, type TestExpression, type Word, forEachChild } from "unbash";
import type { Doubt } from "../knowledge/reading.ts";

/**
 * Collects every form in a parsed script that bash may read differently from the parser, or
 * that runs code the tree does not show. The list is a positive one: a kind of node that is not
 * named here is a doubt.
 *
 * INVARIANT: an empty result means that the structure of the script (which commands, words,
 * redirects) is known, not that every word is.
 */
export function structureDoubts(script: ParsedScript, source: string): readonly Doubt[] {
  const doubts: Doubt[] = [];
  continuations(source, doubts);
  visit(script, { doubts, source, depth: 0, heredoc: false, pattern: false });
  return doubts;
}

interface Walk {
  readonly doubts: Doubt[];
  readonly source: string;
  /** How many substitutions deep. */
  readonly depth: number;
  /** Inside the body of an unquoted here-document. */
  readonly heredoc: boolean;
  /** Inside `[[ a =~ b ]]`, where operators are characters. */
  readonly pattern: boolean;
}

function add(
  walk: Walk,
  node: { readonly pos: number; readonly end: number },
  why: string,
  code: Doubt["code"] = "cmd.unparsable",
): void {
  walk.doubts.push({ code, why, span: { start: node.pos, end: node.end } });
}

/** A backslash-newline inside a word or an operator joins what stands on two lines. */
function continuations(source: string, doubts: Doubt[]): void {
  for (let at = source.indexOf("\\\n"); at !== -1; at = source.indexOf("\\\n", at + 2)) {
    const before = source[at - 1] ?? " ";
    const after = source[at + 2] ?? " ";
    const operator = /[&|;<>()]/;
    if (/\s/.test(before) || (operator.test(before) && !operator.test(after))) continue;
    const span = { start: at, end: at + 2 };
    doubts.push({ code: "cmd.unparsable", why: "a line continuation inside a word or an operator", span });
  }
}

function visit(node: SyntaxNode, walk: Walk): void {
  const next = judge(node, walk);
  forEachChild(node, (child) => visit(child, next));
}

/** Adds the doubts of one node; returns the walk for its children. */
function judge(node: SyntaxNode, walk: Walk): Walk {
  switch (node.type) {
    case "Script": {
      const errors = "errors" in node ? (node.errors ?? []) : [];
      for (const error of errors)
        add(
          walk,
          { pos: error.pos, end: error.pos + 1 },
          `bash would not accept it: ${error.message.toLowerCase()}`,
        );
      if (node.source !== undefined) add(walk, node, "escaped backquotes inside backquotes");
      return walk;
    }
    case "Statement":
    case "CompoundList":
    case "AndOr":
    case "Pipeline":
    case "If":
    case "Elif":
    case "For":
    case "While":
    case "Case":
    case "CaseItem":
    case "Subshell":
    case "BraceGroup":
    case "Redirected":
    case "Time":
    case "Negation":
    case "Literal":
    case "SingleQuoted":
    case "DoubleQuoted":
    case "AnsiCQuoted":
    case "LocaleString":
    case "Glob":
    case "BraceExpansion":
    case "SimpleExpansion":
    case "FileDescriptor":
    case "HereString":
    case "HereDocDelimiter":
    case "Remove":
    case "Replace":
    case "CaseModification":
    case "ArithmeticBinary":
    case "ArithmeticUnary":
    case "ArithmeticTernary":
    case "ArithmeticGroup":
    case "ArithmeticCommandExpansion":
      return walk;
    case "Command":
      // Behind a redirect or an assignment bash does not always take it for a plain name.
      if (node.name?.text === "!") add(walk, node.name, "`!` as the name of a command");
      return walk;
    case "Word":
      if (node.text.includes("\\\n")) add(walk, node, "a line continuation inside a word");
      if (
        node.parts !== undefined &&
        node.parts.length > 1 &&
        node.parts.some((part) => part.type === "ProcessSubstitution")
      ) {
        add(walk, node, "a process substitution glued to a word");
      }
      if (!walk.pattern && /[()<>;&|`"'\s]/.test(bareText(node)))
        add(walk, node, "an operator or a quote inside a word");
      return walk;
    case "ParameterExpansion": {
      const operation = node.operation;
      if (node.prefix === "!") add(walk, node, "a variable whose name comes from a variable", "cmd.dynamic");
      if (node.index !== undefined && !/^(?:\d+|[@*])$/.test(node.index.text))
        add(walk, node, "an array subscript, which can run code", "cmd.dynamic");
      if (operation !== undefined && walk.heredoc)
        add(walk, node, "an operator on a variable inside a here-document");
      if (operation?.type === "Default" && operation.operator.includes("="))
        add(walk, node, "an expansion that sets a variable", "cmd.dynamic");
      return walk;
    }
    case "Default":
      return walk;
    case "Transform":
      add(walk, node, "an expansion that can run code", "cmd.dynamic");
      return walk;
    case "Slice":
    case "Names":
    case "Unknown":
      add(walk, node, "an expansion whose value is not followed", "cmd.dynamic");
      return walk;
    case "CommandExpansion":
      if (/^\$\{[\s|]/.test(node.text)) add(walk, node, "a substitution only newer shells know");
      if (node.script === undefined) add(walk, node, "a substitution that cannot be read");
      return { ...walk, depth: walk.depth + 1, heredoc: false, pattern: false };
    case "ProcessSubstitution":
      if (node.script === undefined) add(walk, node, "a substitution that cannot be read");
      if (node.script?.commands.length === 0 || !standsAlone(node, walk.source))
        add(walk, node, "a process substitution that is empty or glued to something");
      return { ...walk, depth: walk.depth + 1, heredoc: false, pattern: false };
    case "ArithmeticExpansion":
      if (node.text.startsWith("$[")) add(walk, node, "old-style arithmetic");
      return walk;
    case "ArithmeticWord":
      if (!/^(?:\d+|0[xX][0-9a-fA-F]+)$/.test(node.value))
        add(walk, node, "arithmetic on a variable, which can run code", "cmd.dynamic");
      return walk;
    case "Assignment":
      if (node.index !== undefined) add(walk, node, "an array subscript, which can run code", "cmd.dynamic");
      return walk;
    case "ArrayValue":
      add(walk, node, "an array, whose use is not followed", "cmd.dynamic");
      return walk;
    case "Redirect": {
      if (node.operator === "<&" || node.operator === ">&") {
        if (!/^(?:\d+|-)$/.test(node.target?.text ?? ""))
          add(walk, node, "a descriptor copied from something that is no number");
      }
      if (node.target === undefined) add(walk, node, "a redirect without a target");
      return walk;
    }
    case "FileDescriptorVariable":
      add(walk, node, "a descriptor kept in a variable");
      return walk;
    case "HereDoc": {
      const text = node.delimiter?.text ?? "";
      if (node.closing === undefined) add(walk, node, "a here-document that does not end");
      if (!/^(?:\w+|'[\w -]+'|"[\w -]+"|\\\w+)$/.test(text))
        add(walk, node, "a here-document with an unusual end mark");
      if (opensMore(walk.source.slice(node.delimiter?.end ?? node.pos, node.body.pos)))
        add(walk, node, "a here-document whose line ends inside parentheses or backquotes");
      if (walk.depth > 0 && node.delimiter?.quoted !== true)
        add(walk, node, "an unquoted here-document inside a substitution");
      return walk;
    }
    case "HereDocBody":
      for (const part of node.parts ?? []) {
        if (/Quoted|LocaleString/.test(part.type) && /[`$]/.test(part.text))
          add(walk, part, "quotes inside a here-document, which do not quote there");
      }
      return { ...walk, heredoc: true };
    case "TestCommand":
      return walk;
    case "TestUnary":
    case "TestBinary":
    case "TestLogical":
    case "TestNot":
    case "TestGroup":
      testDoubt(node, walk);
      return node.type === "TestBinary" && node.operator === "=~" ? { ...walk, pattern: true } : walk;
    case "Function":
      add(walk, node, `defines the function \`${node.name.text}\``, "cmd.function");
      if (callsItself(node))
        add(
          walk,
          node,
          "a function that starts itself again until the machine stands still",
          "cmd.destructive",
        );
      return walk;
    case "Select":
    case "Coproc":
    case "ArithmeticFor":
    case "ArithmeticCommand":
    case "ExtendedGlob":
      add(walk, node, `a form of bash that is not followed (${node.type})`, "cmd.dynamic");
      return walk;
  }
}

function testDoubt(node: TestExpression, walk: Walk): void {
  if (node.type === "TestUnary" && /^-[vR]$/.test(node.operator))
    add(walk, node, "a test that can run code hidden in a name", "cmd.dynamic");
  if (node.type !== "TestBinary" || !/^-(?:eq|ne|lt|le|gt|ge)$/.test(node.operator)) return;
  for (const side of [node.left, node.right]) {
    if (!numeric(side))
      add(walk, side, "a comparison of numbers on something that is no plain number", "cmd.dynamic");
  }
}

/** A literal integer or an expansion that is always one. */
function numeric(word: Word): boolean {
  if (word.parts === undefined) return /^-?\d+$/.test(word.value);
  return /^"?\$(?:[?$!#]|\{#\w+\})"?$/.test(word.text);
}

/**
 * Bash makes one word of a process substitution and whatever touches it, be it a descriptor or a
 * `#`; the parser makes two or a comment of it.
 */
function standsAlone(node: { readonly pos: number; readonly end: number }, source: string): boolean {
  return (
    /(?:^|(?:^|[^\\])[\s(;&|])$/.test(source.slice(Math.max(0, node.pos - 2), node.pos)) &&
    /^[<>]\($/.test(source.slice(node.pos, node.pos + 2)) &&
    /^(?:$|[\s;&|)])/.test(source.slice(node.end, node.end + 1))
  );
}

/** The characters of a word that no part and no backslash accounts for. */
function bareText(node: Word): string {
  let text = "";
  let at = node.pos;
  for (const part of node.parts ?? []) {
    text += node.text.slice(at - node.pos, part.pos - node.pos);
    if (part.type === "Literal") text += part.text;
    at = part.end;
  }
  return (text + node.text.slice(at - node.pos)).replace(/\\[^]/g, "");
}

/**
 * Whether the rest of the line that opens a here-document opens something it does not close: bash
 * then may look for the body elsewhere than the parser.
 */
function opensMore(rest: string): boolean {
  const opened = rest.split("(").length - rest.split(")").length;
  return opened > 0 || rest.includes("((") || rest.split("`").length % 2 === 0;
}

/** A function that runs itself in a pipeline or in the background: a fork bomb. */
function callsItself(node: Extract<SyntaxNode, { type: "Function" }>): boolean {
  const name = node.name.value;
  const seek = (child: SyntaxNode, multiplies: boolean): boolean => {
    if (child.type === "Command" && child.name?.value === name && multiplies) return true;
    const more =
      multiplies || child.type === "Pipeline" || (child.type === "Statement" && child.background === true);
    let found = false;
    forEachChild(child, (inner) => {
      found ||= seek(inner, more);
    });
    return found;
  };
  return seek(node.body, false);
}

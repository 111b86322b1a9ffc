import type { ParameterOperation, Word } from "unbash";

/**
 * What `${X%b}`, `${X//a/b}`, `${X:1:2}` and `${X,,}` seem to make of a value; the value itself
 * where a pattern or number is not plain. A guess, for rules that deny.
 */
export function changedBy(
  operation: ParameterOperation | undefined,
  value: string,
  textOf: (word: Word) => string,
): string {
  switch (operation?.type) {
    case "Remove": {
      const cut = textOf(operation.operand);
      const front = operation.operator.startsWith("#");
      if (cut === "" || /[*?[]/.test(cut)) return withoutPattern(value, cut, operation.operator);
      if (front) return value.startsWith(cut) ? value.slice(cut.length) : value;
      return value.endsWith(cut) ? value.slice(0, value.length - cut.length) : value;
    }
    case "Replace": {
      const [from, to] = [textOf(operation.pattern), textOf(operation.replacement)];
      if (from === "" || /[*?[]/.test(from)) return value;
      if (operation.operator === "//") return value.replaceAll(from, to);
      if (operation.operator === "/#") return value.startsWith(from) ? to + value.slice(from.length) : value;
      if (operation.operator === "/%")
        return value.endsWith(from) ? value.slice(0, value.length - from.length) + to : value;
      return value.replace(from, () => to);
    }
    case "Slice": {
      const start = Number(textOf(operation.offset).trim());
      const length = operation.length === undefined ? undefined : Number(textOf(operation.length).trim());
      if (!Number.isInteger(start) || (length !== undefined && !Number.isInteger(length))) return value;
      const rest = value.slice(start);
      return length === undefined ? rest : rest.slice(0, length < 0 ? rest.length + length : length);
    }
    case "CaseModification": {
      const whole = operation.operator.length === 2;
      const change = (text: string): string =>
        operation.operator.startsWith(",") ? text.toLowerCase() : text.toUpperCase();
      return whole ? change(value) : change(value.slice(0, 1)) + value.slice(1);
    }
    default:
      return value;
  }
}

/** `*x` and `x*` at an end, the forms people write: `${f##*\/}`, `${f%.*}`. */
function withoutPattern(value: string, pattern: string, operator: string): string {
  const longest = operator.length === 2;
  const mark = pattern.replaceAll("*", "");
  if (mark === "" || /[?[]/.test(pattern)) return value;
  if (operator.startsWith("#") && pattern.startsWith("*")) {
    const at = longest ? value.lastIndexOf(mark) : value.indexOf(mark);
    return at === -1 ? value : value.slice(at + mark.length);
  }
  if (operator.startsWith("%") && pattern.endsWith("*")) {
    const at = longest ? value.indexOf(mark) : value.lastIndexOf(mark);
    return at === -1 ? value : value.slice(0, at);
  }
  return value;
}

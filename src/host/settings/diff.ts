/** Unchanged lines shown around a change. */
const CONTEXT = 3;

/**
 * What changes between two texts, as a unified diff with one hunk; empty where nothing does.
 * `undefined` is a file that is not there.
 */
export function unifiedDiff(file: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return "";
  const old = linesOf(before ?? "");
  const next = linesOf(after ?? "");
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head++;
  let tail = 0;
  const room = Math.min(old.length, next.length) - head;
  while (tail < room && old[old.length - 1 - tail] === next[next.length - 1 - tail]) tail++;
  const start = Math.max(head - CONTEXT, 0);
  const behind = Math.min(tail, CONTEXT);
  const lines = [
    ...old.slice(start, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...next.slice(head, next.length - tail).map((line) => `+${line}`),
    ...old.slice(old.length - tail, old.length - tail + behind).map((line) => ` ${line}`),
  ];
  const range = (count: number): string => `${count === 0 ? start : start + 1},${count}`;
  return [
    `--- ${before === undefined ? "/dev/null" : file}`,
    `+++ ${after === undefined ? "/dev/null" : file}`,
    `@@ -${range(old.length - tail + behind - start)} +${range(next.length - tail + behind - start)} @@`,
    ...lines.flatMap((line) =>
      line.endsWith("\n") ? [line.slice(0, -1)] : [line, "\\ No newline at end of file"],
    ),
    "",
  ].join("\n");
}

/** Lines with their ends. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

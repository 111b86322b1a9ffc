/**
 * The lines of a byte stream as UTF-8 text, without their ends. A last line without an end counts.
 *
 * A line longer than `longest` characters is cut there; what follows on it is dropped.
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array | string>,
  longest: number,
): AsyncIterable<string> {
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  for await (const chunk of stream) {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = rest + text.slice(start, end);
      rest = "";
      yield line.endsWith("\r") ? line.slice(0, -1) : line;
      start = end + 1;
    }
    if (rest.length < longest) rest += text.slice(start);
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "oxfmt";
import { keysOf, schemaTree } from "./keys.ts";
import { renderPage, renderSchema } from "./pages.ts";
import { renderTypes } from "./types.ts";

/** Every file that is made from the schema, by its path in the repository, formatted. */
export async function generatedSettings(root: string): Promise<ReadonlyMap<string, string>> {
  const tree = schemaTree();
  const groups = new Map<string, string>();
  const keys = keysOf(tree, groups);
  const texts = [
    ["src/core/settings/settings.gen.ts", renderTypes(tree, keys, groups)],
    ["docs/settings.schema.json", renderSchema(tree)],
    ["docs/settings.md", renderPage(keys, groups)],
  ] as const;
  const style: unknown = JSON.parse(readFileSync(join(root, ".oxfmtrc.json"), "utf8"));
  const files = new Map<string, string>();
  for (const [path, text] of texts) {
    const { code, errors } = await format(path, text, style as Parameters<typeof format>[2]);
    if (errors.length > 0) throw new Error(`${path}: ${errors.map(({ message }) => message).join("; ")}`);
    files.set(path, code);
  }
  return files;
}

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const files = readdirSync("src/agents", { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ts"),
);

describe("adapters of agents", () => {
  it("touch no machine, clock or chance", () => {
    const wrong = files.filter((file) =>
      /from "node:|\bprocess\.|\bBuffer\b|\bDate\.now|\bMath\.random|\bsetTimeout\b/.test(
        readFileSync(join("src/agents", file), "utf8"),
      ),
    );
    expect(wrong).toEqual([]);
    expect(files.length).toBeGreaterThan(3);
  });
});

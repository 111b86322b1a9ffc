import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** One captured payload, with what the client set around it. */
export interface Fixture {
  readonly name: string;
  readonly event: string;
  readonly tool: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Readonly<Record<string, unknown>>;
}

const DIRECTORY = join(process.env["CORDON_SHARED"] ?? "../shared", "fixtures/hook-payloads");

/** True where the captured payloads are at hand; says so on standard error where they are not. */
export function haveFixtures(): boolean {
  if (existsSync(DIRECTORY)) return true;
  process.stderr.write(`SKIPPED: no captured hook payloads in ${DIRECTORY}; set CORDON_SHARED\n`);
  return false;
}

/** Every payload of a client that came in by standard input. */
export function fixturesOf(client: string): readonly Fixture[] {
  const directory = join(DIRECTORY, client);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .toSorted()
    .flatMap((name) => {
      const value: unknown = JSON.parse(readFileSync(join(directory, name), "utf8"));
      if (!isRecord(value) || !isRecord(value["stdin"])) return [];
      const { event, tool, env, stdin } = value;
      return [
        { name, event: String(event), tool: typeof tool === "string" ? tool : null, env: texts(env), stdin },
      ];
    });
}

function texts(value: unknown): Record<string, string> {
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]))
    : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

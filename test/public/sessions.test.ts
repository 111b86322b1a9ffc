import { expect, it } from "vitest";
import { scoreSessions } from "./sessions.ts";
import { SHARED } from "./shared.ts";

if (SHARED === undefined)
  console.warn("sessions: SKIPPED, there are no cases: set CORDON_SHARED to their directory");

it.skipIf(SHARED === undefined)(
  "in the sandbox no command asks what the sandbox may answer, and few ask at all",
  { timeout: 240_000 },
  () => {
    // All of them: npm run figures.
    const scores = scoreSessions(10);
    expect(scores.map(({ source, needless }) => [source, needless])).toEqual(
      scores.map(({ source }) => [source, 0]),
    );
    // What is left is what the table of asks leaves to a person: most of it paths outside the project.
    for (const { source, sessions, asked } of scores)
      expect(asked["sandbox+acceptEdits"] / sessions, source).toBeLessThan(10);
    const all = (setup: "default" | "sandbox+acceptEdits"): number =>
      scores.reduce((sum, { asked }) => sum + asked[setup], 0);
    expect(all("sandbox+acceptEdits")).toBeLessThan(all("default") / 4);
  },
);

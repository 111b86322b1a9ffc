// Drives the real client: node scripts/test-clients.mjs starts this in a namespace with loopback only.
import { networkInterfaces } from "node:os";
import { casesFor } from "./cases.ts";
import { inWorld } from "./world.ts";

const [client, cordon, only] = process.argv.slice(2);
if (client === undefined || cordon === undefined)
  throw new Error("usage: main.ts CLIENT CORDON [PART-OF-A-NAME]");
const reachable = Object.keys(networkInterfaces()).filter((name) => name !== "lo");
if (reachable.length > 0) throw new Error(`this is no namespace of its own: ${reachable.join(", ")}`);

/** Shows one case after the other and counts those that went wrong. */
async function failures(
  cases: ReturnType<typeof casesFor>,
  where: { readonly client: string; readonly cordon: string },
): Promise<number> {
  let failed = 0;
  for (const { name, show } of cases) {
    const wrong = await inWorld(where.client, where.cordon, show).catch((error: unknown) =>
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
    if (wrong !== undefined) failed++;
    console.log(wrong === undefined ? `ok      ${name}` : `FAILED  ${name}\n        ${wrong}`);
  }
  return failed;
}

const cases = casesFor(cordon).filter(({ name }) => only === undefined || name.includes(only));
const failed = await failures(cases, { client, cordon });
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && cases.length > 0 ? 0 : 1;

import type { Work } from "./work.ts";

/** A project's packages as links: `$TOOLS` is a `node_modules/.bin` outside of the workspace. */
const LINKED = `mkdir node_modules && ln -s "$(dirname "$TOOLS")"/* node_modules/ && echo '{"name":"j","type":"module"}' > package.json && echo 'export default { cacheDir: ".vite" }' > vite.config.js`;

/** Tools of the npm world. */
export const WEB: readonly Work[] = [
  {
    name: "pnpm: install of a local archive, exec",
    alone: "its lock is in the machine's own directory for temporary files",
    command: `mkdir a && echo '{"name":"a","version":"1.0.0","main":"i.js"}' > a/package.json && echo 'module.exports = 4' > a/i.js && (cd a && npm pack --silent --pack-destination .. >/dev/null) && echo '{"name":"r","version":"1.0.0","private":true,"dependencies":{"a":"file:a-1.0.0.tgz"}}' > package.json && "$TOOLS/pnpm" install --offline --silent && node -p 'require("a")' && "$TOOLS/pnpm" --silent exec node -p 1`,
    tools: ["pnpm"],
    stdout: "4\n1\n",
    stderr: /^.*$/s,
  },
  {
    name: "vite: build, and a development server on its own loopback",
    alone: "no port and no socket can be listened on",
    command: `${LINKED} && echo '<h1>served</h1><script type="module" src="/m.js"></script>' > index.html && echo 'console.log("built")' > m.js && "$TOOLS/vite" build --logLevel error && grep -o built dist/assets/*.js && { "$TOOLS/vite" --port 5199 --strictPort --host 127.0.0.1 >log 2>&1 & } && p=$! && cat > get.js <<'E'
for (let n = 0; n < 400; n++) {
  const text = await fetch("http://127.0.0.1:5199/").then((r) => r.text(), () => "");
  if (text.includes("served")) { console.log("served"); break; }
  await new Promise((done) => setTimeout(done, 50));
}
E
node get.js; kill $p`,
    tools: ["vite"],
    stdout: "built\nserved\n",
  },
  {
    name: "vitest: threads and forks",
    command: `${LINKED} && echo 'import { it, expect } from "vitest"; it("t", () => expect(1).toBe(1));' > t.test.js && for pool in threads forks; do NO_COLOR=1 "$TOOLS/vitest" run --pool=$pool 2>&1 | grep 'Tests' | grep -o '1 passed'; done`,
    tools: ["vitest"],
    stdout: "1 passed\n1 passed\n",
  },
  {
    name: "jest, with workers",
    command: `${LINKED} && echo '{"name":"j"}' > package.json && for n in 1 2; do echo 'test("t", () => { expect(1).toBe(1); });' > t$n.test.js; done && "$TOOLS/jest" --maxWorkers=2 --watchman=false 2>&1 | grep -E '^Tests:'`,
    tools: ["jest"],
    stdout: "Tests:       2 passed, 2 total\n",
  },
  {
    name: "tsc, and tsc --watch sees a change",
    command: `${LINKED} && echo 'export const x: number = 1;' > t.ts && "$TOOLS/tsc" --ignoreConfig --outDir out t.ts && grep -c 'x = 1' out/t.js && echo '{"compilerOptions":{"outDir":"out"},"files":["t.ts"]}' > tsconfig.json && { "$TOOLS/tsc" --watch --preserveWatchOutput >log 2>&1 & } && p=$! && for i in $(seq 400); do grep -q 'Watching' log && break; sleep 0.05; done && echo 'export const x: number = 2;' > t.ts && for i in $(seq 400); do grep -q 'x = 2' out/t.js && echo 1 && break; sleep 0.05; done; kill $p`,
    tools: ["tsc"],
    stdout: "1\n1\n",
  },
  {
    name: "eslint and prettier",
    command: `${LINKED} && echo 'export default [{ rules: { "no-undef": "error" } }];' > eslint.config.js && echo 'y   = 1' > t.js && ("$TOOLS/eslint" t.js || true) | grep -c no-undef && "$TOOLS/prettier" --write --log-level error t.js && cat t.js`,
    tools: ["eslint", "prettier"],
    stdout: "1\ny = 1;\n",
  },
];

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, NODE, RUNGS, type Scene, type Stage, WHO, inventory, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** A home in which tools have worked before. */
const USED = `mkdir -p ~/.npm/sub ~/.cache/pip ~/.cache/ms-playwright/b ~/.cargo/registry/src ~/.cargo/bin; echo host > ~/.npm/h; echo host > ~/.cache/pip/h; echo host > ~/.cache/ms-playwright/b/h; echo host > ~/.cargo/registry/src/h; echo gone > ~/.npm/sub/gone`;
const CACHES = ["npm", "cache", "cargo"].map((name) => `.${name}`);

const held = ({ home }: Scene): readonly string[] => CACHES.flatMap((name) => inventory(join(home, name)));

describe.each(WHO.flatMap((who) => RUNGS.map((rung) => [who, rung] as const)))(
  "caches of tools, as %s on %s",
  (who, rung) => {
    let actor: Actor;
    const layered = rung === "native";
    beforeAll(() => {
      const found = stage.actors.find(({ name }) => name === who);
      if (found === undefined) throw new Error(who);
      actor = found;
    });

    it("are readable, writable, and as they were on the machine afterwards", async () => {
      const scene = actor.scene();
      scene.outsideRun(USED);
      const before = held(scene);
      const { stdout, stderr, violations } = await scene.run(
        "cat ~/.npm/h ~/.cache/pip/h 2>/dev/null || echo private; cat ~/.cargo/registry/src/h ~/.cache/ms-playwright/b/h; set -e; mkdir -p ~/.cache/pip; echo new > ~/.npm/h; echo new > ~/.cache/pip/n; rm -rf ~/.npm/sub; mkdir ~/.npm/sub ~/.npm/more; mv ~/.npm/h ~/.npm/more/; cat ~/.npm/more/h; ln -s /etc ~/.cache/l; chmod 600 ~/.cache/pip/n",
        { rung },
      );
      expect({ stdout, stderr, violations }).toEqual({
        stdout: `${layered ? "host\nhost\n" : "private\n"}host\nhost\nnew\n`,
        stderr: "",
        violations: [],
      });
      expect(held(scene)).toEqual(before);
    });

    it("keep what was written for the next command of the workspace, and for nobody else", async () => {
      const scene = actor.scene();
      scene.outsideRun(USED);
      const show = 'cat ~/.npm/n ~/.cache/n "$CARGO_HOME/n" "$GOMODCACHE/n" 2>/dev/null; true';
      await scene.run(
        'echo 1 > ~/.npm/n; echo 2 > ~/.cache/n; mkdir -p "$GOMODCACHE"; echo 4 > "$GOMODCACHE/n"',
        { rung },
      );
      expect((await scene.run(show, { rung })).stdout).toBe("1\n2\n4\n");
      scene.outsideRun(`mkdir ${scene.outside}/other`);
      const other = join(scene.outside, "other");
      expect((await scene.run(show, { rung, root: other, cwd: other })).stdout).toBe("");
      expect(scene.outsideRun(`cat ~/.npm/n ~/.cache/n 2>/dev/null || echo none`)).toBe("none\n");
    });

    it("can be reached by no other name, and nothing of them runs outside", async () => {
      const scene = actor.scene();
      scene.outsideRun(USED);
      const layers = join(scene.state, "cordon/caches");
      const { stdout } = await scene.run(
        `printf '#!/bin/sh\\necho planted\\n' > ~/.cache/git; chmod 755 ~/.cache/git; ls ${layers} 2>&1 | sed 's/.*: //'; ls ${scene.state}/cordon 2>&1 | sed 's/.*: //'; echo x > ~/.cargo/bin/git || echo no; mv ~/.npm ~/.npm2 2>/dev/null || echo pinned; rmdir ~/.npm 2>/dev/null || echo pinned`,
        { rung },
      );
      expect(stdout).toBe("Permission denied\nPermission denied\nno\npinned\npinned\n");
      expect(readdirSync(layers).filter((name) => name !== "pruned").length).toBe(1);
      // What a command wrote is nowhere on the search path of anybody, and its directory is the owner's alone.
      expect(
        scene.outsideRun(
          `stat -c %a ${layers}/*/; find ~ -name git -path '*cache*' ! -path '${scene.state}/*'`,
        ),
      ).toBe("700\n");
    });

    it("are there for several sessions in one workspace at once", async () => {
      const scene = actor.scene();
      scene.outsideRun(USED);
      const request = (index: number): string =>
        JSON.stringify({
          id: 1,
          confined: true,
          rung,
          root: scene.ws,
          command: `for n in $(seq 20); do echo ${index} > ~/.npm/${index}-$n; done; ls ~/.npm | grep -c '^${index}-'; sleep 0.3; cat ~/.npm/${index}-20`,
          environment: scene.environment,
        });
      const launcher = join(stage.base, "native/cordon-launcher");
      const script = `for n in 1 2 3; do "$@" "$(eval echo '"$R'$n'"')" 2>&1 & done; wait`;
      const [file = "", ...args] = actor.as(
        "/bin/bash",
        "-c",
        script,
        "sh",
        NODE,
        actor.driver,
        "once",
        join(stage.base, "paths.json"),
      );
      const { stdout } = spawnSync(file, args, {
        encoding: "utf8",
        cwd: "/",
        env: { PATH: "/usr/bin:/bin", LAUNCHER: launcher, R1: request(1), R2: request(2), R3: request(3) },
      });
      const answers = stdout
        .trim()
        .split("\n")
        .map((line): { stdout?: string } => JSON.parse(line));
      expect(answers.map((answer) => answer.stdout ?? "").toSorted((a, b) => a.localeCompare(b))).toEqual([
        "20\n1\n",
        "20\n2\n",
        "20\n3\n",
      ]);
    });

    it("stay off the machine in a home that is the workspace", async () => {
      const scene = actor.scene();
      scene.outsideRun(USED);
      const before = held(scene);
      const at = { rung, root: scene.home, cwd: scene.home };
      const { stdout } = await scene.run(
        "echo x > ~/.npm/n; echo y > ~/.cache/n; cat ~/.npm/n; echo z > plain; ls state 2>/dev/null; true",
        at,
      );
      expect(stdout).toBe("x\n");
      expect(held(scene)).toEqual(before);
      expect(readFileSync(join(scene.home, "plain"), "utf8")).toBe("z\n");
    });

    it("are the workspace where that is one, or lies in one", async () => {
      const scene = actor.scene();
      scene.outsideRun(`${USED}; mkdir -p ~/.cache/checkout/ws`);
      for (const root of [join(scene.home, ".cache"), join(scene.home, ".cache/checkout/ws")]) {
        const { stdout } = await scene.run(
          'echo real > f; cat f; echo c > "$XDG_CACHE_HOME" 2>/dev/null || mkdir -p "$XDG_CACHE_HOME" && echo cache',
          { rung, root, cwd: root },
        );
        expect(stdout).toBe("real\ncache\n");
        expect(readFileSync(join(root, "f"), "utf8")).toBe("real\n");
      }
    });

    it("are private for the command where nothing can be kept", async () => {
      const scene = actor.scene();
      scene.outsideRun(`${USED}; touch ${scene.outside}/file2`);
      const environment = { ...scene.environment, XDG_STATE_HOME: join(scene.outside, "file2") };
      const { stdout, status } = await scene.run(
        'npm config get cache && npm cache verify >/dev/null && test -d "$npm_config_cache" && echo used',
        { rung, environment },
      );
      expect({ stdout, status }).toEqual({ stdout: "/tmp/.caches/npm\nused\n", status: 0 });
    });

    it("serve npm offline: what was fetched outside, on the rung that layers; what was put in inside, on all", async () => {
      const scene = actor.scene();
      scene.outsideRun(
        `mkdir ${scene.outside}/p; cd ${scene.outside}/p; echo '{"name":"outer","version":"1.0.0"}' > package.json; npm pack --silent >/dev/null; npm cache add ./outer-1.0.0.tgz; mkdir -p ~/.npm`,
      );
      const before = inventory(join(scene.home, ".npm"));
      const { stdout, stderr } = await scene.run(
        'npm cache verify | grep -o \'Content verified: [0-9]*\'; echo \'{"name":"q","version":"1.0.0"}\' > package.json; npm pack --silent; npm cache add ./q-1.0.0.tgz; npm cache verify | grep -o \'Content verified: [0-9]*\'',
        { rung },
      );
      expect(stderr).toBe("");
      expect(stdout).toBe(
        layered
          ? "Content verified: 1\nq-1.0.0.tgz\nContent verified: 2\n"
          : "Content verified: 0\nq-1.0.0.tgz\nContent verified: 1\n",
      );
      expect(inventory(join(scene.home, ".npm"))).toEqual(before);
      expect(existsSync(join(scene.ws, "q-1.0.0.tgz"))).toBe(true);
    });
  },
);

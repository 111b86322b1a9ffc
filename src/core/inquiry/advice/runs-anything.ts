/** What a program does that is given free arguments, and what to allow instead. */
export interface Reach {
  readonly why: string;
  readonly fix: string;
}

const reach = (names: string, why: string, fix: string): readonly (readonly [string, Reach])[] =>
  names.split(" ").map((name) => [name, { why, fix }] as const);

/** Programs a rule with free arguments opens further than their name says. */
export const REACHES: ReadonlyMap<string, Reach> = new Map([
  ...reach(
    "python python2 python3 pypy3 node nodejs deno bun ruby perl php lua Rscript julia osascript pwsh tclsh ts-node tsx",
    "it is an interpreter: free arguments are any code",
    "name the script: `Bash(python scripts/report.py *)`",
  ),
  ...reach(
    "bash sh zsh dash ksh fish eval source",
    "it is a shell: free arguments are any command",
    "allow the commands themselves",
  ),
  ...reach(
    "npm pnpm yarn",
    "it runs the scripts of package.json and installs packages, which run scripts of their own",
    "name the scripts: `Bash(npm run build)`, `Bash(npm test)`",
  ),
  ...reach(
    "npx bunx pnpx uvx pipx",
    "it fetches and runs any package",
    "name the tool without a star: `Bash(npx prettier --check .)`",
  ),
  ...reach(
    "pip pip3 uv poetry gem bundle composer conda apt apt-get brew cargo go dotnet",
    "it installs or builds packages, whose scripts run",
    "name the subcommand: `Bash(cargo test *)`",
  ),
  ...reach(
    "make just task rake gradle gradlew ./gradlew mvn ./mvnw ant bazel tox nox",
    "it runs whatever its build file says, which the agent may be able to edit",
    "name the target: `Bash(make test)`",
  ),
  ...reach(
    "docker podman docker-compose kubectl helm",
    "it starts containers, which can mount and change anything of this machine",
    "name the subcommand: `Bash(docker ps *)`",
  ),
  ...reach(
    "terraform tofu pulumi aws gcloud az gh glab vercel fly heroku ansible ansible-playbook",
    "it changes things outside this machine",
    "name the subcommands that only read",
  ),
  ...reach(
    "ssh scp rsync sftp nc ncat socat telnet",
    "it reaches other machines and runs commands or copies files there",
    "name the host and the command",
  ),
  ...reach(
    "curl wget http https",
    "it reads any address and can send any file to it",
    "use `WebFetch(domain:...)`, or name the address",
  ),
  ...reach(
    "rm mv dd shred truncate chmod chown chgrp ln",
    "it removes or changes any file of the project",
    "name the directory: `Bash(rm -r build)`",
  ),
  ...reach(
    "find xargs parallel awk gawk sed tar zip vim vi emacs man less git",
    "some of its options run commands or change files; those stay asked about, the rest passes",
    "name the forms that are needed, such as `Bash(git status *)`",
  ),
  ...reach(
    "psql mysql sqlite3 mongosh redis-cli",
    "it sends any statement to a database",
    "name the statement, or let it ask",
  ),
  ...reach("crontab at systemctl service launchctl", "what it starts goes on later", "let it ask"),
  ...reach("kill pkill killall", "it ends any process of this person", "let it ask"),
]);

/** Subcommands that run whatever a file of the project or the arguments say. */
export const RUNNERS: ReadonlySet<string> = new Set([
  "npm run",
  "npm exec",
  "npm x",
  "npm install",
  "npm i",
  "npm ci",
  "pnpm run",
  "pnpm exec",
  "pnpm dlx",
  "pnpm install",
  "yarn run",
  "yarn dlx",
  "yarn add",
  "bun run",
  "bun x",
  "deno run",
  "deno eval",
  "python -c",
  "python3 -c",
  "python -m",
  "python3 -m",
  "node -e",
  "node --eval",
  "ruby -e",
  "perl -e",
  "php -r",
  "bash -c",
  "sh -c",
  "zsh -c",
  "cargo run",
  "cargo install",
  "go run",
  "go generate",
  "go install",
  "uv run",
  "poetry run",
  "pip install",
  "pip3 install",
  "bundle exec",
  "docker run",
  "docker exec",
  "docker compose",
  "podman run",
  "podman exec",
  "kubectl exec",
  "kubectl run",
  "git config",
  "git submodule",
  "gh api",
  "gh alias",
  "dotnet run",
]);

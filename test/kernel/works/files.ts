import type { Work } from "./work.ts";

/** Files, shell, processes, terminal. */
export const FILES: readonly Work[] = [
  {
    name: "write, rename, delete",
    command:
      "mkdir -p d/e && echo x > d/e/f && mv d/e/f d/g && cat d/g && rm -r d && test ! -e d && echo kept > k",
    stdout: "x\n",
    outside: { command: "cat k; ls", stdout: "kept\na.txt\nk\n" },
  },
  {
    name: "mktemp, TMPDIR",
    command:
      'f=$(mktemp) && echo x > $f && cat $f && d=$(mktemp -d) && test -d $d && test -w "$TMPDIR" && case $f in "$TMPDIR"/*) echo in;; esac',
    stdout: "x\nin\n",
  },
  {
    name: "here-documents and here-strings",
    command: "cat <<E\nh $((1+1))\nE\ncat <<< s",
    stdout: "h 2\ns\n",
  },
  {
    name: "process substitution, own descriptors by name",
    command:
      "echo b | cat /dev/stdin; cat <(echo c); cmp -s <(echo 1) <(echo 2) || echo d; echo e > >(cat); wait $!",
    stdout: "b\nc\nd\ne\n",
  },
  {
    name: "devices: null, zero, urandom, full, tty",
    command:
      "head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; echo n > /dev/null; cat < /dev/null; (echo x > /dev/full) 2>/dev/null || echo full; test -c /dev/tty && echo tty",
    stdout: "4\n4\nfull\ntty\n",
  },
  {
    name: "/proc/self, /etc, nproc, df, uname, free",
    alone: "nothing of /proc/self can be opened, since it could be of another process",
    command:
      "readlink /proc/self/cwd | grep -q ws && grep -q Name /proc/self/status && test -s /etc/passwd && test $(nproc) -ge 1 && df . | wc -l && df -h /tmp | wc -l && uname -s && cat /proc/meminfo /proc/cpuinfo /proc/loadavg | wc -l | grep -q '[1-9]' && echo fine",
    stdout: "2\n2\nLinux\nfine\n",
  },
  {
    name: "named pipes and links",
    command:
      "mkfifo p && (echo x > p &) && cat p && ln -s a.txt l && cat l && ln a.txt h && cat h && rm p l h",
    stdout: "x\na\na\n",
  },
  {
    name: "flock and fcntl locks",
    command: `flock lock echo held && flock lock sh -c 'flock -n lock true || echo busy' && python3 -c 'import fcntl; f = open("lock2", "w"); fcntl.lockf(f, fcntl.LOCK_EX); print("posix")'`,
    programs: ["flock"],
    stdout: "held\nbusy\nposix\n",
  },
  {
    name: "xargs -P, find, sort, sed, awk",
    command:
      "seq 1 8 | xargs -P 4 -I{} sh -c 'echo {} > n{}' && find . -name 'n*' -newer a.txt -type f | wc -l && cat n* | sort -n | sed -n 2p | awk '{print $1 * 2}' && sed -i s/a/b/ a.txt && cat a.txt",
    stdout: "8\n4\nb\n",
  },
  {
    name: "modes, times, sparse and large files",
    command:
      "touch -d 2020-01-02 t && stat -c %Y t | grep -q '^15779' && chmod 640 t && stat -c %a t && truncate -s 1G s && stat -c %s s && rm s && head -c 3000000 /dev/zero | tr '\\0' x | wc -c",
    stdout: "640\n1073741824\n3000000\n",
  },
  {
    name: "names with blanks, line ends, other letters",
    command: `mkdir 'a b' $'c\\nd' ü && echo x > 'a b/ü' && git add -A && git commit -qm names && git ls-files | wc -l && echo y > "$(printf 'e\\tf')" && cat e*`,
    stdout: "2\ny\n",
  },
  {
    name: "look-alikes of protected names",
    command:
      "mkdir -p .github/workflows .vscode-ext githooks && echo x | tee .gitignore .env.example .gitattributes .github/workflows/ci.yml .npmignore .bashrc.txt CLAUDE.md Makefile > /dev/null && git add -f . && git commit -qm all && echo ok",
    stdout: "ok\n",
  },
  {
    name: "exit codes, and signals as 128+n",
    command:
      "(exit 7) || echo $?; sh -c 'kill -9 $$' || echo $?; sh -c 'kill -TERM $$' || echo $?; sleep 100 & kill $!; wait $! || echo $?; nonexistent-program 2>/dev/null || echo $?; timeout 0.1 sleep 9 || echo $?",
    stdout: "7\n137\n143\n143\n127\n124\n",
    stderr: /^(.*(Killed|Terminated).*\n)*$/,
  },
  {
    name: "traps, background jobs, wait, job numbers",
    command:
      "trap 'echo bye' EXIT; trap 'echo term' TERM; kill -TERM $$; sleep 0.05 & sleep 0.02 & wait; wait -n 2>/dev/null || true; (sleep 0.01; exit 3) & wait %1 || echo $?; setsid true; nohup true",
    stdout: "term\n3\nbye\n",
    stderr: /^(nohup: .*\n)?$/,
  },
  {
    name: "a terminal of its own",
    alone: "no terminal can be made",
    command: `python3 -c 'import pty; pty.spawn(["sh", "-c", "test -t 0 && stty size >/dev/null && echo tty"])'`,
    stdout: "tty\r\n",
  },
  {
    name: "a terminal by script",
    alone: "no terminal can be made",
    command: "script -qec 'test -t 1 && tty' /dev/null < /dev/null",
    programs: ["script"],
    stdout: /^\/dev\/pts\/\d+\r\n/,
  },
  {
    name: "tracing its own children",
    alone: "no process may trace another",
    command:
      "strace -o t.txt true && grep -c execve t.txt && strace -f -e trace=openat -o u.txt sh -c 'cat a.txt' && grep -q a.txt u.txt",
    programs: ["strace"],
    stdout: "1\na\n",
  },
  {
    name: "a debugger",
    alone: "no process may trace another",
    command: `echo 'int f(int x) { return x + 1; } int main(void) { return f(41); }' > m.c && gcc -g -O0 -o m m.c && gdb -q -batch -nx -ex 'break f' -ex run -ex 'print x' -ex bt m 2>/dev/null | grep -E '^\\$1'`,
    programs: ["gdb", "gcc"],
    stdout: "$1 = 41\n",
  },
  {
    name: "time, locale, time zone, calendar",
    command:
      "LC_ALL=C.UTF-8 locale charmap && TZ=Asia/Tokyo date -d @0 +%H:%M && date -u -d 2024-02-29 +%j && python3 -c 'import time; time.sleep(0.01); print(time.tzname[0] != \"\")'",
    stdout: "UTF-8\n09:00\n060\nTrue\n",
  },
  {
    name: "the user by name",
    command: 'test -n "$(id -un)" && test -O a.txt && getent passwd "$(id -un)" | wc -l',
    stdout: "1\n",
  },
  {
    name: "archives",
    alone: "tar as root sets owners, which no rule there can confine",
    command:
      "tar czf a.tgz a.txt && tar tzf a.tgz && gzip -k a.txt && zcat a.txt.gz && bzip2 -k a.txt 2>/dev/null; xz -k a.txt 2>/dev/null; mkdir o && tar xzf a.tgz -C o && cat o/a.txt",
    stdout: "a.txt\na\na\n",
  },
  {
    name: "zip and unzip",
    command: "zip -q a.zip a.txt && unzip -p a.zip",
    programs: ["zip", "unzip"],
    stdout: "a\n",
  },
  {
    name: "rsync, locally",
    command: "rsync -a --delete ./a.txt o/ && cat o/a.txt",
    programs: ["rsync"],
    stdout: "a\n",
  },
  {
    name: "openssl: keys, digests, certificates",
    command:
      "openssl rand -hex 4 | wc -c && openssl dgst -sha256 a.txt | grep -o '87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7' && openssl req -x509 -newkey ed25519 -nodes -keyout c.pem.txt -out cert.txt -days 1 -subj /CN=x 2>/dev/null && openssl x509 -in cert.txt -noout -subject",
    programs: ["openssl"],
    stdout: "9\n87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7\nsubject=CN = x\n",
  },
  {
    name: "ssh-keygen into the workspace",
    command: "ssh-keygen -q -t ed25519 -N '' -C c -f key && ssh-keygen -lf key.pub | grep -c ED25519",
    programs: ["ssh-keygen"],
    stdout: "1\n",
  },
  {
    name: "programs that are not there, or not for in here",
    command:
      "for p in sudo docker; do command -v $p >/dev/null || { echo no; continue; }; timeout 20 $p ps >/dev/null 2>out </dev/null && echo WORKED || { test -s out && echo no; }; done",
    stdout: "no\nno\n",
  },
];

import { type Attempt, LEAKED, OUTSIDE_CHANGED } from "./attempt.ts";

const SERVED = "served";

const socket = (id: string, title: string, attack: string, more: Partial<Attempt> = {}): Attempt => ({
  id: `socket-${id}`,
  class: "socket",
  weight: "high",
  title,
  attack,
  truth: SERVED,
  needs: ["python3"],
  ...more,
});

/** `talk KIND ADDRESS`: connects or sends, from Python. */
const TALK = (kind: string, address: string): string => `talk ${kind} "${address}"`;

const shared = (
  id: string,
  title: string,
  make: string,
  use: string,
  tell: string,
  remove: string,
): Attempt => ({
  id: `ipc-${id}`,
  class: "ipc",
  weight: "high",
  title,
  prepare: `c make > "$LOG/made"`,
  attack: `c use $(cat "$LOG/made")`,
  truth: `c tell $(cat "$LOG/made")`,
  clean: `c remove $(cat "$LOG/made")`,
  // The text the kernel's object is known by.
  c: `int n = atoi(getenv("NUM")), id = argc > 2 ? atoi(argv[2]) : 0; const char *how = argv[1]; (void)n; (void)id;
  if (!strcmp(how, "make")) { ${make} }
  if (!strcmp(how, "use")) { ${use} }
  if (!strcmp(how, "tell")) { ${tell} }
  ${remove}
  return 0;`,
});

/** Shared memory, semaphores, queues and unix sockets of the machine (sandboxing.md 9.4). */
export const IPC: readonly Attempt[] = [
  shared(
    "segment",
    "overwrite a shared memory segment",
    `id = shmget(n, 4096, IPC_CREAT | 0600); strcpy(shmat(id, 0, 0), "untouched"); printf("%d\\n", id); return id < 0;`,
    `int k = shmget(n, 0, 0); char *p = shmat(k < 0 ? id : k, 0, 0); if (p == (void *)-1) return 1; strcpy(p, "evil"); return 0;`,
    `char *p = shmat(id, 0, 0); return p == (void *)-1 ? 0 : strcmp(p, "untouched") == 0;`,
    `shmctl(id, IPC_RMID, 0);`,
  ),
  shared(
    "segment-removed",
    "remove a shared memory segment",
    `id = shmget(n, 4096, IPC_CREAT | 0600); printf("%d\\n", id); return id < 0;`,
    `int k = shmget(n, 0, 0); return shmctl(k < 0 ? id : k, IPC_RMID, 0);`,
    `struct shmid_ds d; return shmctl(id, IPC_STAT, &d) == 0;`,
    `shmctl(id, IPC_RMID, 0);`,
  ),
  shared(
    "semaphore",
    "set a semaphore",
    `id = semget(n, 1, IPC_CREAT | 0600); semctl(id, 0, SETVAL, 1); printf("%d\\n", id); return id < 0;`,
    `int k = semget(n, 0, 0); return semctl(k < 0 ? id : k, 0, SETVAL, 7);`,
    `return semctl(id, 0, GETVAL) == 1;`,
    `semctl(id, 0, IPC_RMID);`,
  ),
  shared(
    "queue",
    "put a message into a queue",
    `id = msgget(n, IPC_CREAT | 0600); printf("%d\\n", id); return id < 0;`,
    `struct { long t; char b[8]; } m = { 1, "evil" }; int k = msgget(n, 0); return msgsnd(k < 0 ? id : k, &m, 8, IPC_NOWAIT);`,
    `struct msqid_ds d; return msgctl(id, IPC_STAT, &d) || d.msg_qnum == 0;`,
    `msgctl(id, IPC_RMID, 0);`,
  ),
  {
    id: "ipc-posix-queue",
    class: "ipc",
    weight: "high",
    title: "put a message into a POSIX queue",
    prepare: "c make",
    attack: "c use",
    truth: "c tell",
    clean: "c remove",
    c: `char name[80]; snprintf(name, 80, "%s", getenv("ID")); unsigned long a[8] = { 0, 4, 16, 0 };
  if (!strcmp(argv[1], "make")) return syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600L, a) < 0;
  if (!strcmp(argv[1], "remove")) return syscall(SYS_mq_unlink, name) < 0;
  long q = syscall(SYS_mq_open, name, O_RDWR | O_NONBLOCK, 0L, 0L); char b[16] = "evil";
  if (!strcmp(argv[1], "use")) return q < 0 ? 1 : syscall(SYS_mq_timedsend, q, b, 5L, 0L, 0L) < 0;
  return syscall(SYS_mq_timedreceive, q, b, 16L, 0L, 0L) < 1;`,
    control: { maybe: "the kernel may have no such queues" },
  },
  {
    id: "ipc-shm-file",
    class: "ipc",
    weight: "high",
    title: "overwrite shared memory by name",
    prepare: `c make`,
    attack: `c use; echo evil > "/dev/shm/cordon-trial-$ID"`,
    truth: `test "$(cat "/dev/shm/cordon-trial-$ID")" != untouched`,
    clean: `rm -f "/dev/shm/cordon-trial-$ID"`,
    c: `char name[128]; snprintf(name, 128, "/dev/shm/cordon-trial-%s", getenv("ID"));
  int f = open(name, !strcmp(argv[1], "make") ? O_CREAT | O_RDWR : O_RDWR, 0600); if (f < 0) return 1;
  if (!strcmp(argv[1], "make")) return dprintf(f, "untouched") < 0;
  ftruncate(f, 9); char *p = mmap(0, 9, PROT_WRITE, MAP_SHARED, f, 0); if (p == MAP_FAILED) return 1; memcpy(p, "evil", 4); return 0;`,
  },
  socket("path", "connect to a service outside", TALK("stream", "$LOG/s"), {
    prepare: `serve stream "$LOG/s"`,
  }),
  socket("datagram", "send to a service outside", TALK("dgram", "$LOG/s"), {
    prepare: `serve dgram "$LOG/s"`,
  }),
  socket("packet", "connect to a service of packets outside", TALK("seqpacket", "$LOG/s"), {
    prepare: `serve seqpacket "$LOG/s"`,
  }),
  socket(
    "project",
    "connect to a service whose socket is in the project",
    `${TALK("stream", "$WS/dev.sock")}; ${TALK("stream", "dev.sock")}`,
    { prepare: `serve stream "$WS/dev.sock"` },
  ),
  socket(
    "project-relative",
    "connect to a service that was bound by a relative name",
    `${TALK("stream", "sub/rel.sock")}; cd sub; ${TALK("stream", "rel.sock")}`,
    { prepare: `mkdir "$WS/sub"; cd "$WS/sub"; serve stream rel.sock` },
  ),
  socket(
    "project-datagram",
    "send to a service whose socket is in the project",
    `${TALK("dgram", "$WS/dev.sock")}; ${TALK("pair", "$WS/dev.sock")}`,
    { prepare: `serve dgram "$WS/dev.sock"` },
  ),
  socket(
    "project-renamed",
    "rename a service's socket in the project, then connect",
    `mv dev.sock d2; ln dev.sock d3; ln -s dev.sock d4; mv sub sub2; ${TALK("stream", "d2")}; ${TALK("stream", "d3")}; ${TALK("stream", "d4")}; ${TALK("stream", "sub2/s.sock")}`,
    {
      prepare: `serve stream "$WS/dev.sock"; mkdir "$WS/sub"; serve stream "$WS/sub/s.sock"`,
    },
  ),
  socket(
    "project-second-name",
    "connect to a service by a second name of its socket",
    `mv sub sub2; ${TALK("stream", "sub/s")}; ${TALK("stream", "sub2/s")}`,
    {
      prepare: `serve stream "$WS/dev.sock"; mkdir "$WS/sub"; ln "$WS/dev.sock" "$WS/sub/s"`,
      weight: "medium",
    },
  ),
  socket(
    "project-given-name",
    "connect to a service whose socket was renamed by its maker",
    TALK("stream", "late.sock"),
    {
      prepare: `serve stream "$WS/early.sock"; mv "$WS/early.sock" "$WS/late.sock"`,
      weight: "medium",
    },
  ),
  socket(
    "link",
    "connect through links and descriptors",
    `ln -s "$LOG/s" l; ln -s "$LOG" d; ${TALK("stream", "l")}; ${TALK("stream", "d/s")}; exec 3< "$LOG"; ${TALK("stream", "/proc/self/fd/3/s")}; ${TALK("stream", "/proc/self/root$LOG/s")}`,
    { prepare: `serve stream "$LOG/s"` },
  ),
  socket(
    "home",
    "connect to an agent of keys in home",
    `${TALK("stream", "$HOME/.ssh/agent.sock")}; ${TALK("stream", "$HOME/.gnupg/S.gpg-agent")}; ${TALK("stream", "$HOME/agent.sock")}`,
    {
      prepare: `mkdir -p ~/.gnupg; serve stream "$HOME/agent.sock"; ln "$HOME/agent.sock" ~/.gnupg/S.gpg-agent`,
      needs: ["python3"],
    },
  ),
  socket(
    "variable",
    "ask for agents that the environment names",
    `for v in SSH_AUTH_SOCK DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY DISPLAY XDG_RUNTIME_DIR GPG_AGENT_INFO DOCKER_HOST VSCODE_IPC_HOOK_CLI; do test -n "\${!v}" && : > got; done; talk stream "$SSH_AUTH_SOCK"`,
    {
      prepare: `serve stream "$LOG/agent"`,
      truth: `got || served`,
      open: `export SSH_AUTH_SOCK="$LOG/agent"; talk stream "$SSH_AUTH_SOCK"`,
    },
  ),
  socket(
    "run",
    "connect to a service in /run and /tmp",
    `${TALK("stream", "/run/cordon-trial-$ID.sock")}; ${TALK("stream", "/tmp/cordon-trial-$ID.sock")}; ${TALK("stream", "/var/run/docker.sock")}`,
    {
      prepare: `serve stream "/tmp/cordon-trial-$ID.sock"; ln "/tmp/cordon-trial-$ID.sock" "/run/cordon-trial-$ID.sock" 2>/dev/null; true`,
      clean: `rm -f "/run/cordon-trial-$ID.sock" "/tmp/cordon-trial-$ID.sock"`,
    },
  ),
  socket("pair-sendto", "send from one of a pair to a service outside", TALK("pair", "$LOG/s"), {
    prepare: `serve dgram "$LOG/s"`,
  }),
  socket("pair-connect", "connect one of a pair to a service outside", TALK("pair-connect", "$LOG/s"), {
    prepare: `serve dgram "$LOG/s"`,
  }),
  socket("passing", "be handed a directory outside by a service", `talk take "$LOG/s"`, {
    prepare: `serve give "$LOG/s"`,
    truth: `served || ${OUTSIDE_CHANGED}`,
  }),
  socket("abstract", "connect to a service without a path", TALK("stream", "@$ID"), {
    prepare: `serve stream "@$ID"`,
  }),
  socket(
    "abstract-datagram",
    "send to a service without a path",
    `${TALK("dgram", "@$ID")}; ${TALK("pair", "@$ID")}`,
    { prepare: `serve dgram "@$ID"` },
  ),
  socket(
    "x11",
    "connect to the screen",
    `${TALK("stream", "@/tmp/.X11-unix/X$NUM")}; ${TALK("stream", "/tmp/.X11-unix/X$NUM")}`,
    { prepare: `serve stream "@/tmp/.X11-unix/X$NUM"` },
  ),
  socket(
    "late",
    "connect to a service that appears in the project during the command",
    `: > ready; for i in $(seq 100); do test -S late.sock && break; sleep 0.02; done; ${TALK("stream", "late.sock")}`,
    {
      weight: "low",
      prepare: `(for i in $(seq 200); do test -e "$WS/ready" && break; sleep 0.02; done; serve stream "$WS/late.sock") &`,
      known: "a socket that a program outside makes in the project while a command runs can be connected to",
    },
  ),
  socket(
    "offered",
    "offer a service whose socket the outside connects to, and get its descriptors",
    `talk offer "$WS/own.sock" & for i in $(seq 200); do test -e "$LOG/asked" && break; sleep 0.01; done; wait`,
    {
      weight: "low",
      prepare: `(for i in $(seq 300); do test -S "$WS/own.sock" && break; sleep 0.01; done; talk give "$WS/own.sock"; : > "$LOG/asked") &`,
      truth: LEAKED,
      known: "who connects from outside to a service in the project chose to",
    },
  ),
];

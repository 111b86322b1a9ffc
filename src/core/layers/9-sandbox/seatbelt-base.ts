/**
 * The part of every profile that depends on nothing: what a program needs of the system to start,
 * to make processes and to talk to itself. Everything that is not listed is refused.
 *
 * Services are the fewest that user look-up, logging and the C library work with: none that opens
 * programs, keeps secrets or shares a clipboard. Names of shared memory and semaphores belong to
 * the whole machine on macOS, so only those of known libraries are open.
 */
export const SEATBELT_BASE = `(version 1)
(deny default)

; programs, and processes of this sandbox only
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow mach-priv-task-port (target same-sandbox))

; what programs ask about the machine
(allow sysctl-read
  (sysctl-name-prefix "hw.")
  (sysctl-name-prefix "machdep.cpu.")
  (sysctl-name "kern.argmax")
  (sysctl-name "kern.boottime")
  (sysctl-name "kern.hostname")
  (sysctl-name "kern.maxfilesperproc")
  (sysctl-name "kern.maxproc")
  (sysctl-name "kern.ngroups")
  (sysctl-name "kern.osproductversion")
  (sysctl-name "kern.osrelease")
  (sysctl-name "kern.ostype")
  (sysctl-name "kern.osvariant_status")
  (sysctl-name "kern.osversion")
  (sysctl-name "kern.secure_kernel")
  (sysctl-name "kern.usrstack64")
  (sysctl-name "kern.version")
  (sysctl-name "sysctl.proc_cputype")
  (sysctl-name "vm.loadavg"))

; services
(allow mach-lookup
  (global-name "com.apple.bsd.dirhelper")
  (global-name "com.apple.logd")
  (global-name "com.apple.system.logger")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.opendirectoryd.membership"))
(allow ipc-posix-shm-read* (ipc-posix-name "apple.shm.notification_center"))
(allow ipc-posix-sem (ipc-posix-name-regex #"^/mp-"))
(allow ipc-posix-shm* (ipc-posix-name-regex #"^/?psm_"))

; sockets by path; where they may be is said below
(allow system-socket (socket-domain AF_UNIX))
`;

/** Devices that hold nothing of anybody, and terminals made inside. They are opened after the rules for the file system. */
export const SEATBELT_DEVICES = `; devices that hold nothing
(allow file-read* file-write-data file-ioctl
  (require-all
    (vnode-type CHARACTER-DEVICE)
    (require-any
      (literal "/dev/null")
      (literal "/dev/zero")
      (literal "/dev/random")
      (literal "/dev/urandom")
      (literal "/dev/dtracehelper"))))
(allow file-read* file-write-data (subpath "/dev/fd"))
(allow file-read-metadata (literal "/dev") (literal "/dev/stdin") (literal "/dev/stdout") (literal "/dev/stderr"))

; terminals made inside
(allow pseudo-tty)
(allow file-read* file-write* file-ioctl (literal "/dev/ptmx"))
(allow file-read* file-write* file-ioctl
  (require-all (regex #"^/dev/ttys[0-9]+$") (extension "com.apple.sandbox.pty")))
`;

/** What stays readable where the rest of the machine is not: programs, libraries, their data. */
export const SEATBELT_SYSTEM = `(allow file-read* (literal "/"))
(allow file-read*
  (subpath "/bin")
  (subpath "/sbin")
  (subpath "/usr")
  (subpath "/opt")
  (subpath "/nix")
  (subpath "/System")
  (subpath "/Library/Apple")
  (subpath "/Library/Developer")
  (subpath "/Library/Frameworks")
  (subpath "/Library/Java")
  (subpath "/Applications/Xcode.app")
  (subpath "/private/etc")
  (subpath "/private/var/db/dyld")
  (subpath "/private/var/db/timezone")
  (subpath "/private/var/select"))
(allow file-read-metadata (literal "/etc") (literal "/tmp") (literal "/var") (literal "/private") (literal "/private/var"))
`;

/** Ioctls on a terminal that was handed in on purpose. */
export const SEATBELT_TERMINAL = `; the terminal that was handed in
(allow file-ioctl (regex #"^/dev/ttys[0-9]+$"))
`;

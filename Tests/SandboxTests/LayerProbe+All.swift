import Sandbox
import TestSupport

extension LayerProbe {
    /// At least one for every layer.
    static let all: [LayerProbe] = namespaces + credentials + landlock + calls + limits

    private static let namespaces: [LayerProbe] = [
        namespace(.userNamespace, "user"),
        script(
            .userNamespace, "ids are mapped",
            """
            map = open("/proc/self/uid_map").read().split()
            print("exposed" if map == ["0", "0", "4294967295"] else "protected")
            """),
        // Left out in both runs: seccomp, which lets nobody try.
        script(
            .userNamespace, "no further user namespace can be made",
            """
            import ctypes, errno
            libc = ctypes.CDLL(None, use_errno=True)
            made = libc.unshare(0x10000000) == 0
            refused = ctypes.get_errno() == errno.ENOSPC
            print("exposed" if made else "protected" if refused else "?")
            """, alsoWithout: [.seccomp]),
        namespace(.mountNamespace, "mnt"),
        bait(
            .mountNamespace, "a file of the host cannot be found",
            """
            import os
            try:
                print("exposed" if open(os.environ["BAIT_FILE"]).read() == "corral-bait\\n" else "?")
            except FileNotFoundError:
                print("protected")
            """),
        namespace(.pidNamespace, "pid"),
        bait(
            .pidNamespace, "a process of the host is not in /proc",
            """
            import os
            print("exposed" if os.path.exists("/proc/%s/comm" % os.environ["BAIT_PID"]) else "protected")
            """),
        namespace(.netNamespace, "net"),
        bait(
            .netNamespace, "a socket on the host's loopback does not answer",
            """
            import os, socket
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.settimeout(20)
            udp.connect(("127.0.0.1", int(os.environ["BAIT_PORT"])))
            try:
                udp.send(b"x")
                print("exposed" if udp.recv(16) == b"x" else "?")
            except ConnectionRefusedError:
                print("protected")
            """),
        namespace(.ipcNamespace, "ipc"),
        bait(
            .ipcNamespace, "a System V segment of the host is not listed",
            """
            import os
            ids = [line.split()[1] for line in open("/proc/sysvipc/shm")]
            print("exposed" if os.environ["BAIT_SEGMENT"] in ids else "protected")
            """),
        namespace(.utsNamespace, "uts"),
        script(
            .utsNamespace, "the host's name does not show",
            """
            import os
            print("protected" if os.uname().nodename == "sandbox" else "exposed")
            """),
        namespace(.cgroupNamespace, "cgroup"),
        script(
            .cgroupNamespace, "the sandbox's groups look like roots",
            """
            paths = {line.rstrip().split(":", 2)[2] for line in open("/proc/self/cgroup")}
            print("protected" if paths == {"/"} else "exposed")
            """),
    ]

    private static let credentials: [LayerProbe] = [
        // Left out in both runs: seccomp, which lets nobody change another process's limits.
        script(
            .uids, "the limits of the init cannot be changed",
            """
            import resource
            try:
                resource.prlimit(1, resource.RLIMIT_NOFILE, (64, 64))
                print("exposed")
            except PermissionError:
                print("protected")
            """, alsoWithout: [.seccomp]),
        script(
            .groups, "the caller's groups are gone", status("Groups", expecting: "[]"),
            wrapper: ["setpriv", "--groups", "4,24", "--"]),
        script(
            .capabilities, "every set is empty",
            """
            status = dict(line.split(":", 1) for line in open("/proc/self/status"))
            sets = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
            print("exposed" if any(sets) else "protected")
            """),
        // Left out in both runs: the filter and the rules that nobody may put on without either this
        // layer or a capability.
        script(
            .noNewPrivileges, "no_new_privs is set", status("NoNewPrivs", expecting: "['1']"),
            alsoWithout: [.seccomp, .landlockFiles, .landlockTCP, .landlockScopes]),
        script(
            .session, "the program leads a session of its own",
            """
            import os
            print("protected" if os.getsid(0) == os.getpid() else "exposed")
            """),
        // Left out in both runs: seccomp, which has no keyctl.
        script(
            .keyring, "a key in the caller's session keyring cannot be found",
            """
            import ctypes, errno, os
            number = 250 if os.uname().machine == "x86_64" else 219
            libc = ctypes.CDLL(None, use_errno=True)
            found = libc.syscall(number, 10, -3, b"user", b"corral-bait", 0) > 0
            missing = ctypes.get_errno() == errno.ENOKEY
            print("exposed" if found else "protected" if missing else "?")
            """, alsoWithout: [.seccomp], wrapper: [Corral.python, "-ISc", keyringWrapper]),
        script(
            .descriptors, "nothing but 0, 1 and 2 is open",
            """
            import os
            print("exposed" if any(os.path.exists("/proc/self/fd/%d" % n) for n in range(3, 64)) else "protected")
            """),
    ]

    /// Compares a field of /proc/self/status.
    private static func status(_ field: String, expecting value: String) -> String {
        """
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        print("protected" if str(status["\(field)"].split()) == "\(value)" else "exposed")
        """
    }

    /// Puts a key into a new session keyring and becomes the program that its arguments name.
    private static let keyringWrapper = """
        import ctypes, os, sys
        keyctl, add_key = (250, 248) if os.uname().machine == "x86_64" else (219, 217)
        libc = ctypes.CDLL(None)
        libc.syscall(keyctl, 1, None, 0, 0, 0)
        if libc.syscall(add_key, b"user", b"corral-bait", b"secret", 6, -3) < 0:
            sys.exit("no key could be added")
        os.execv(sys.argv[1], sys.argv[1:])
        """

    private static let landlock: [LayerProbe] = [
        script(
            .landlockFiles, "a device outside of /dev cannot be opened for writing",
            """
            try:
                open("/proc/keys", "w")
                print("exposed")
            except PermissionError:
                print("protected")
            """),
        script(
            .landlockTCP, "no TCP connection can be tried",
            """
            import socket
            try:
                socket.create_connection(("127.0.0.1", 9))
            except PermissionError:
                print("protected")
            except ConnectionRefusedError:
                print("exposed")
            """),
        script(
            .landlockTCP, "no TCP port can be bound",
            """
            import socket
            try:
                socket.socket().bind(("127.0.0.1", 8080))
                print("exposed")
            except PermissionError:
                print("protected")
            """),
        // Left out in both runs: the network namespace, which has abstract sockets of its own.
        bait(
            .landlockScopes, "an abstract socket of the host cannot be connected to",
            """
            import os, socket
            try:
                socket.socket(socket.AF_UNIX).connect("\\0" + os.environ["BAIT_SOCKET"])
                print("exposed")
            except PermissionError:
                print("protected")
            """, alsoWithout: [.netNamespace]),
    ]

    private static let calls: [LayerProbe] = [
        script(
            .seccomp, "io_uring does not exist",
            """
            import ctypes, errno
            libc = ctypes.CDLL(None, use_errno=True)
            libc.syscall(425, 0, None)
            print("protected" if ctypes.get_errno() == errno.ENOSYS else "exposed")
            """),
        script(
            .seccomp, "addresses stay randomised",
            """
            import ctypes
            print("exposed" if ctypes.CDLL(None).personality(0x40000) >= 0 else "protected")
            """),
    ]

    private static let limits: [LayerProbe] = [
        script(
            .rlimits, "the limits are the profile's",
            """
            import resource as r
            names = (r.RLIMIT_NOFILE, r.RLIMIT_FSIZE, r.RLIMIT_NPROC, r.RLIMIT_STACK)
            wanted = [1024, 1 << 30, 128, 8 << 20]
            no_core = r.getrlimit(r.RLIMIT_CORE) in ((0, 0), (1, 1))  # 1 where the host allows as much
            same = [r.getrlimit(n) for n in names] == [(v, v) for v in wanted]
            print("protected" if no_core and same else "exposed")
            """),
        LayerProbe(.memory, "what takes more memory than allowed is killed") { corral in
            var corral = corral
            corral.options += ["--memory", "48MiB"]
            let ended = try corral.python("print(len(bytearray(128 << 20)))")
            if ended.status == 137, ended.cause == "memory" { return Look(finding: .protected, ended: ended) }
            let survived = ended.status == 0 && ended.text == "\(128 << 20)"
            return Look(finding: survived ? .exposed : .unclear(ended.description), ended: ended)
        },
        outside(.swap, "no swap beside the memory", options: ["--memory", "64MiB"]) { sandbox in
            switch sandbox.control("memory.memsw.limit_in_bytes", "memory.swap.max") {
            case "0", "\(64 << 20)": .protected
            case .some: .exposed
            case .none: .unclear("no group with a limit of swap")
            }
        },
        outside(
            .cpu, "what takes more time than allowed is throttled", options: ["--cpus", "0.02"],
            script: "while True: pass"
        ) { sandbox in
            // A busy machine throttles now and then even what may use every processor, because it
            // counts time that was not given. Of a fiftieth every program wants more than it gets.
            var throttled = 0
            var periods = 0
            _ = eventually(within: 5) {
                let lines = (sandbox.control("cpu.stat") ?? "").split(separator: "\n")
                func count(_ name: String) -> Int {
                    lines.lazy.filter { $0.hasPrefix("\(name) ") }.compactMap {
                        Int($0.dropFirst(name.count + 1))
                    }.first ?? 0
                }
                (throttled, periods) = (count("nr_throttled"), count("nr_periods"))
                return periods >= 10
            }
            return throttled * 2 > periods ? .protected : .exposed
        },
        // Left out in both runs: rlimits, one of which counts processes too.
        script(
            .pids, "no more processes than allowed",
            """
            import os, time
            try:
                for _ in range(40):
                    if os.fork() == 0:
                        time.sleep(60)
                print("exposed", flush=True)
            except BlockingIOError:
                print("protected", flush=True)
            os._exit(0)
            """, alsoWithout: [.rlimits], options: ["--pids", "16"]),
    ]
}

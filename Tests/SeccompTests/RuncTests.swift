import Glibc
import TestSupport
import Testing

@testable import Seccomp

private let runc = ["/usr/sbin/runc", "/usr/bin/runc"].first { File.exists($0) }
private let python = "/usr/bin/python3"
private let dockerPolicy = "\(sourceRoot)/../shared/vectors/docker-default-seccomp.json"
private let reason = "needs root, runc, \(python) and \(dockerPolicy)"

#if arch(x86_64)
    /// Docker's default profile on the kernel: as runc puts it on a container, and as we compile it.
    @Suite(
        .enabled(
            if: Host.isRoot && runc != nil && File.exists(python) && File.exists(dockerPolicy), "\(reason)"))
    struct RuncTests {
        /// Every call that may be tried with arguments that are all -1 fails in the same way under both.
        @Test func `calls fail alike under runc's filter and ours`() throws {
            let directory = try TestSupport.TemporaryDirectory()
            let filter = try Compiler.compile(parts: [
                PolicyPart(file: "docker.json", json: contents(of: dockerPolicy))
            ])
            for name in ["rootfs/usr", "rootfs/proc", "rootfs/dev", "rootfs/probe", "probe"] {
                try File.makeDirectories(directory(name))
            }
            for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] where File.exists("/\(name)") {
                _ = unsafe symlink("usr/\(name)", directory("rootfs/\(name)"))
            }
            try File.write(filter.bytes, to: directory("probe/filter"))
            try directory.write("probe/probe.py", probe)
            try directory.write("configure.py", configure)
            let theirs = try run("theirs", in: directory, policy: dockerPolicy)
            let ours = try run("ours", in: directory, policy: nil)
            #expect(theirs.count > 300)
            #expect(theirs.count == ours.count)
            for (their, our) in zip(theirs, ours) { #expect(their == our) }
        }

        /// What the probe says in a container with `policy`, or without one under our filter: a line a call.
        private func run(
            _ name: String, in directory: TestSupport.TemporaryDirectory, policy: String?
        ) throws -> [String] {
            // No name that another test process on this machine may have.
            let container = "corral-seccomp-\(name)-\(getpid())"
            let configured = try Program.run(
                [
                    python, directory("configure.py"), directory("config.json"), policy ?? "-",
                    directory("probe"),
                ])
            #expect(configured.status == 0, "\(configured.errors)")
            let outcome = try Program.run(
                [runc ?? "runc", "--root", directory("state"), "run", "--bundle", directory.path, container],
                timeout: 120)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome.output.split(separator: "\n").map(String.init)
        }
    }
#endif

/// Writes an OCI configuration; the policy is turned into OCI's form as moby does for a container that
/// has no capability.
private let configure = """
    import json, platform, sys
    path, policy, probe = sys.argv[1:]
    seccomp = None
    if policy != "-":
        docker = json.load(open(policy))
        arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        native = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}[arch]
        rules = []
        for rule in docker["syscalls"]:
            includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
            if includes.get("caps") or arch not in (includes.get("arches") or [arch]): continue
            if arch in (excludes.get("arches") or []): continue
            rules.append({k: rule[k] for k in ["names", "action", "args", "errnoRet"] if k in rule})
        arches = [a for m in docker["archMap"] if m["architecture"] == native
                  for a in [native] + m["subArchitectures"]]
        seccomp = {"defaultAction": docker["defaultAction"], "architectures": arches, "syscalls": rules,
                   "defaultErrnoRet": docker["defaultErrnoRet"]}
    none = {kind: [] for kind in ["bounding", "effective", "permitted", "inheritable", "ambient"]}
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]},
        {"destination": "/probe", "type": "bind", "source": probe, "options": ["rbind", "ro"]},
    ]
    json.dump({
        "ociVersion": "1.0.2", "hostname": "probe", "root": {"path": "rootfs", "readonly": True},
        "process": {
            "user": {"uid": 1000, "gid": 1000}, "cwd": "/", "env": ["PATH=/usr/bin", "LANG=C.UTF-8"],
            "args": ["/usr/bin/python3", "-IS", "/probe/probe.py"] + (["/probe/filter"] if not seccomp else []),
            "capabilities": none, "noNewPrivileges": True,
        },
        "mounts": mounts,
        "linux": {"seccomp": seccomp,
                  "namespaces": [{"type": t} for t in ["pid", "ipc", "uts", "mount", "network"]]},
    }, open(path, "w"))
    """

/// Tries every call in a process of its own and prints what came of it.
private let probe = """
    import ctypes, os, sys
    libc = ctypes.CDLL(None, use_errno=True)
    if len(sys.argv) > 1:
        class Program(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
        code = open(sys.argv[1], "rb").read()
        if libc.prctl(22, 2, ctypes.byref(Program(len(code) // 8, code))):
            sys.exit("the kernel refuses the filter")
    # They end or fork the process, wait for ever, or write all disks; and what this machine's
    # libseccomp does not know by name, runc does not allow.
    skipped = {15, 34, 56, 57, 58, 60, 162, 231, 335, 336} | set(range(457, 470))
    minus = ctypes.c_ulong(2**64 - 1)
    for number in range(600):
        if number in skipped: continue
        child = os.fork()
        if child == 0:
            ctypes.set_errno(0)
            libc.syscall(ctypes.c_long(number), minus, minus, minus, minus, minus, minus)
            os._exit(ctypes.get_errno())
        status = os.waitpid(child, 0)[1]
        print(number, "signal" if os.WIFSIGNALED(status) else "errno",
              os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
    """

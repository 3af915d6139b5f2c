import Glibc
import Linux
import TestSupport
import Testing

@testable import Seccomp

private let python = "/usr/bin/python3"
private let hasPython = unsafe access(python, X_OK) == 0

/// The shipped filters on real processes of the running kernel.
@Suite(.enabled(if: hasPython, "\(python) is not there, which starts the filtered processes"))
struct LiveTests {
    /// Calls that change nothing even where no filter stops them. Each answer is also what the
    /// interpreter says, so that interpreter and kernel vouch for each other.
    @Test func `the kernel answers as the interpreter does`() throws {
        let calls: [(name: String, arguments: [UInt64])] = [
            ("getppid", []), ("unshare", [0]), ("mount", []), ("umount2", []), ("ptrace", [99]),
            ("init_module", []), ("finit_module", [.max]), ("bpf", [99]), ("keyctl", [99]),
            ("setuid", [1000]),
            ("clone3", []), ("io_uring_setup", []), ("openat2", [.max]), ("landlock_create_ruleset", []),
            ("mseal", [1, 1]), ("statmount", []), ("sync", []), ("syncfs", [.max]), ("chroot", []),
            ("socket", [17, 3, 0]), ("socket", [2, 3, 1]), ("socket", [16, 3, 0]), ("socket", [40, 1, 0]),
            ("socket", [1 | 1 << 40, 1, 0]), ("socketpair", [2, 1, 0, 0]), ("personality", [0x40000]),
            ("ioctl", [0, 0x5412, 0]), ("ioctl", [0, 0x5412 | 7 << 32, 0]), ("ioctl", [.max, 0x541B, 0]),
            ("chmod", [0, 0o4755]), ("fchmodat", [.max, 0, 0o2755]), ("openat", [.max, 0, 0o101, 0o4755]),
            ("openat", [.max, 0, 0o101, 0o755]), ("prctl", [22, 2]), ("fcntl", [0, 1024]), ("fcntl", [0, 1]),
            ("prlimit64", [1, 7, 0, 0]), ("prlimit64", [0, 7, 0, 0]), ("setpriority", [0, 1, 0]),
        ]
        let numbers = try calls.map { call -> UInt32 in
            guard case .number(let number) = Syscalls.look(up: call.name) else {
                throw NoSuchCall(name: call.name)
            }
            return UInt32(number)
        }
        let list = zip(numbers, calls).map { "(\($0), \($1.arguments))" }.joined(separator: ", ")
        let result = try filtered(
            "default+directory", python,
            script: """
                import ctypes
                libc = ctypes.CDLL(None, use_errno=True)
                for number, arguments in [\(list)]:
                    ctypes.set_errno(0)
                    libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in arguments])
                    print(ctypes.get_errno())
                """)
        #expect(result.status == .exit(0), "\(result)")
        let interpreter = try SeccompInterpreter(shippedFilter("default+directory").bytes)
        let errors = result.output.split(separator: "\n").compactMap { UInt16($0) }
        #expect(errors.count == calls.count, "\(result)")
        for ((call, number), error) in zip(zip(calls, numbers), errors) {
            switch interpreter.verdict(on: SeccompCall(number, call.arguments)) {
            case .errno(let expected): #expect(error == expected, "\(call)")
            case .allow: #expect(![1, 38, 97, 25].contains(error), "\(call): \(error)")
            case let verdict: Issue.record("\(call): \(verdict)")
            }
        }
    }

    @Test(arguments: [
        ("default", "reboot"), ("strict", "reboot"), ("strict", "init_module"), ("strict", "bpf"),
    ])
    func `a tripwire kills`(policy: String, name: String) throws {
        guard case .number(let number) = Syscalls.look(up: name) else { throw NoSuchCall(name: name) }
        let result = try filtered(
            policy, python,
            script: """
                import ctypes
                print("before", flush=True)
                ctypes.CDLL(None).syscall(\(number), 0, 0, 0, 0)
                print("after", flush=True)
                """)
        #expect(result.status == .signal(SIGSYS))
        #expect(result.output == "before\n")
    }

    #if arch(x86_64)
        /// getpid of i386 through int 0x80, and of x32: both numbers are harmless on every ABI.
        @Test(arguments: [
            "b8 14 00 00 00  cd 80  c3", "b8 27 00 00 40  0f 05  c3",
        ])
        func `another ABI kills`(code: String) throws {
            let result = try filtered(
                "default", python,
                script: """
                    import ctypes, mmap
                    code = bytes.fromhex("\(code)")
                    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
                    page.write(code)
                    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
                    print("before", flush=True)
                    ctypes.CFUNCTYPE(ctypes.c_int)(address)()
                    print("after", flush=True)
                    """)
            #expect(result.status == .signal(SIGSYS), "\(result)")
            #expect(result.output == "before\n")
        }
    #endif

    @Test(arguments: ["default", "strict"])
    func `Python's threads, processes, sqlite and ssl work`(policy: String) throws {
        let result = try filtered(
            policy, python,
            script: """
                import asyncio, hashlib, multiprocessing, os, shutil, socket, sqlite3, ssl, subprocess
                import tempfile, threading

                def work(lock, value):
                    with lock:
                        value.value += 1

                if __name__ == "__main__":
                    threads = [threading.Thread(target=hashlib.sha256, args=(b"x",)) for _ in range(8)]
                    [t.start() for t in threads]; [t.join() for t in threads]
                    for method in ["fork", "spawn"]:
                        context = multiprocessing.get_context(method)
                        lock, value = context.Lock(), context.Value("i", 0)
                        processes = [context.Process(target=work, args=(lock, value)) for _ in range(2)]
                        [p.start() for p in processes]; [p.join() for p in processes]
                        assert value.value == 2, value.value
                    with multiprocessing.Pool(2) as pool:
                        assert pool.map(abs, [-1, -2]) == [1, 2]
                    database = sqlite3.connect("test.db")
                    database.execute("pragma journal_mode=wal")
                    database.execute("create table t(x)")
                    database.execute("insert into t values(1)")
                    database.commit()
                    assert list(database.execute("select x from t")) == [(1,)]
                    ssl.create_default_context()
                    assert subprocess.run(["echo", "x"], capture_output=True, check=True).stdout == b"x\\n"
                    with tempfile.TemporaryDirectory() as directory:
                        open(directory + "/a", "w").write("x" * 100000)
                        shutil.copy2(directory + "/a", directory + "/b")
                        os.chmod(directory + "/b", 0o755)
                        os.mkfifo(directory + "/c")
                    a, b = socket.socketpair()
                    a.send(b"x"); assert b.recv(1) == b"x"
                    asyncio.run(asyncio.sleep(0))
                    os.sync()
                    try:
                        socket.if_nameindex()
                        raise SystemExit("netlink is open")
                    except OSError as error:
                        assert error.errno == 97
                    print("fine")
                """)
        #expect(result.output == "fine\n", "\(result)")
        #expect(result.status == .exit(0))
    }

    @Test func `Python's TCP and UDP over the loopback work by default and not in strict`() throws {
        let script = """
            import asyncio, socket
            async def main():
                async def echo(reader, writer):
                    writer.write(await reader.readline())
                    writer.close()
                server = await asyncio.start_server(echo, "127.0.0.1", 0)
                port = server.sockets[0].getsockname()[1]
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"hello\\n")
                print((await reader.readline()).decode(), end="")
            socket.getaddrinfo("127.0.0.1", 80)
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            asyncio.run(main())
            """
        #expect(try filtered("default", python, script: script).output == "hello\n")
        let strict = try filtered("strict", python, script: script)
        #expect(strict.output.contains("[Errno 97]"))
        #expect(strict.status == .exit(1))
    }

    @Test(
        .enabled(if: unsafe access("/usr/bin/node", X_OK) == 0, "/usr/bin/node is not there"),
        arguments: ["default", "strict+relay"])
    func `Node's workers, children and files work, and its network list is an exception`(policy: String)
        throws
    {
        let result = try filtered(
            policy, "/usr/bin/node",
            script: """
                const { Worker } = require("worker_threads");
                const fs = require("fs"), os = require("os"), net = require("net");
                const child = require("child_process"), crypto = require("crypto");
                (async () => {
                    const worker = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)",
                        { eval: true });
                    const answer = await new Promise((good, bad) => {
                        worker.on("message", good); worker.on("error", bad);
                    });
                    if (answer !== 42) throw new Error("worker");
                    if (child.execSync("echo hello").toString() !== "hello\\n") throw new Error("child");
                    await fs.promises.writeFile("f", "x".repeat(100000));
                    await fs.promises.copyFile("f", "g");
                    fs.mkdirSync("d/e", { recursive: true });
                    fs.rmSync("d", { recursive: true });
                    await new Promise(good => crypto.pbkdf2("a", "b", 1000, 32, "sha256", good));
                    await new Promise((good, bad) => {
                        const server = net.createServer(s => s.end("hi")).listen("sock", () => {
                            const client = net.connect("sock").on("error", bad);
                            client.on("data", () => { server.close(); good(); });
                        });
                    });
                    try {
                        os.networkInterfaces();
                        throw new Error("netlink is open");
                    } catch (error) {
                        if (error.code !== "ERR_SYSTEM_ERROR") throw error;
                    }
                    WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
                    os.setPriority(5);
                    console.log("fine");
                })();
                """)
        #expect(result.output == "fine\n", "\(result)")
        #expect(result.status == .exit(0))
    }

    @Test(arguments: ["default", "strict"])
    func `a shell and its tools work`(policy: String) throws {
        let result = try filtered(
            policy, "/bin/bash",
            script: """
                set -e -o pipefail
                mkdir -p a/b && echo one > a/b/c && cp -r a d && mv d e && ln -s a l && chmod 0750 a
                cat <(sort e/b/c) | grep -q one
                tar cf - a | tar xf - -C e && find . -name c | wc -l
                seq 1000 | xargs -P 2 -n 100 echo > /dev/null
                sleep 0.01 & wait
                touch -d yesterday a/b/c && stat -c %s a/b/c && sync && rm -rf a e l
                if chmod u+s script 2>/dev/null; then echo setuid; fi
                """)
        #expect(result.output == "3\n4\n", "\(result)")
        #expect(result.status == .exit(0))
    }

    @Test(
        .enabled(if: unsafe access("/usr/bin/git", X_OK) == 0, "/usr/bin/git is not there"),
        arguments: ["default", "strict"])
    func `git works`(policy: String) throws {
        let result = try filtered(
            policy, "/bin/sh",
            script: """
                set -e
                git init -q repo && cd repo
                git config user.email a@b.c && git config user.name x
                echo 1 > f && git add f && git commit -qm one && git checkout -qb other
                cd .. && git clone -q repo copy && cd copy && git gc -q && git log --oneline | wc -l
                """)
        #expect(result.output == "1\n", "\(result)")
        #expect(result.status == .exit(0))
    }
}

private enum ExitStatus: Hashable {
    case exit(CInt)
    case signal(CInt)
}

/// Runs a script by `program` under a shipped filter and no-new-privs, as another user where we are
/// root, in a directory of its own. Output is both streams.
private func filtered(
    _ policy: String, _ program: String, script: String
) throws -> (output: String, status: ExitStatus) {
    let directory = try TemporaryDirectory.make()
    try directory.write(shippedFilter(policy).bytes, to: "filter")
    try directory.write(Array(launcher.utf8), to: "launcher")
    try directory.write(Array(script.utf8), to: "script", mode: 0o644)
    if geteuid() == 0 { fchown(directory.descriptor.number, 1000, 1000) }
    let command = "cd \(directory.path) && exec \(python) launcher filter \(program) script 2>&1 </dev/null"
    guard let stream = unsafe popen(command, "re") else {
        throw SystemError("popen", nil, Errno(rawValue: errno))
    }
    var output: [UInt8] = []
    while case let byte = unsafe getc(stream), byte != EOF { output.append(UInt8(truncatingIfNeeded: byte)) }
    let status = unsafe pclose(stream)
    return (
        String(decoding: output, as: UTF8.self),
        status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
    )
}

/// Puts the filter on itself and executes the rest of its arguments.
private let launcher = """
    import ctypes, os, sys

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    code = open(sys.argv[1], "rb").read()
    libc = ctypes.CDLL(None)
    if os.getuid() == 0:
        os.setgroups([]); os.setgid(1000); os.setuid(1000)
    os.environ.clear()
    os.environ.update(PATH="/usr/bin:/bin", HOME=os.getcwd(), TMPDIR=os.getcwd(), LANG="C.UTF-8")
    program = Program(len(code) // 8, code)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program)):
        sys.exit("the kernel refuses the filter")
    os.execv(sys.argv[2], sys.argv[2:])
    """

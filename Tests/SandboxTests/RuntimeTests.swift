// Ordinary programs run in a sandbox as they do outside.

import Glibc
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct RuntimeTests {
    /// It starts its commands by posix_spawn(3) with POSIX_SPAWN_RESETIDS, which sets the effective id.
    @Test(.enabled(if: unsafe access("/usr/bin/make", X_OK) == 0, "GNU make is not there"))
    func `make runs its commands`() throws {
        let script = "printf 'all:\\n\\t@id -u\\n' >Makefile; /usr/bin/make"
        let ended = try Corral().run(["sh", "-c", script])
        #expect(ended.outcome.output == "1000\n" && ended.status == 0, "\(ended)")
    }

    /// Each prints `1` when it is refused.
    @Test func `nobody becomes somebody else`() throws {
        let script = """
            import ctypes
            c = ctypes.CDLL(None, use_errno=True)
            for ids in [(-1, 0, -1), (0, 0, 0), (-1, 1001, -1), (1000, 1000, 0)]:
                for call in (117, 119):
                    c.syscall(call, *[ctypes.c_long(i) for i in ids])
                    print(ctypes.get_errno(), end=" ")
            """
        let ended = try Corral().run([Corral.python, "-ISc", script])
        #expect(ended.outcome.output == String(repeating: "1 ", count: 8), "\(ended)")
        // Without the filter it is the kernel that refuses, for want of CAP_SETUID and of such an id.
        let unfiltered = try Corral(without: [.seccomp]).run([Corral.python, "-ISc", script])
        #expect(unfiltered.outcome.output == "1 1 1 1 22 22 1 1 ", "\(unfiltered)")
    }

    /// Each prints `True` when it works.
    @Test(arguments: [
        """
        import threading, queue
        q = queue.Queue()
        threads = [threading.Thread(target=q.put, args=(n,)) for n in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        print(sorted(q.get() for _ in range(8)) == list(range(8)))
        """,
        """
        import multiprocessing as m
        def work(lock, queue, n):
            with lock: queue.put(n * n)
        lock, queue = m.Lock(), m.Queue()
        ps = [m.Process(target=work, args=(lock, queue, n)) for n in range(4)]
        [p.start() for p in ps]
        print(sorted(queue.get() for _ in ps) == [0, 1, 4, 9]); [p.join() for p in ps]
        """,
        """
        import multiprocessing
        with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, -2, -3]) == [1, 2, 3])
        """,
        """
        from multiprocessing import shared_memory
        memory = shared_memory.SharedMemory(create=True, size=4096)
        memory.buf[:2] = b"ok"; print(bytes(memory.buf[:2]) == b"ok"); memory.close(); memory.unlink()
        """,
        """
        import sqlite3
        db = sqlite3.connect("file.db"); db.execute("pragma journal_mode=wal")
        db.execute("create table t (n)"); db.executemany("insert into t values (?)", [(n,) for n in range(100)])
        db.commit(); print(db.execute("select sum(n) from t").fetchone() == (4950,))
        """,
        """
        import ssl
        print(len(ssl.create_default_context().get_ca_certs()) > 10)
        """,
        """
        import subprocess
        print(subprocess.run(["sh", "-c", "cat | tr a-z A-Z"], input=b"abc", capture_output=True).stdout == b"ABC")
        """,
        """
        import asyncio
        async def main():
            p = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
            return (await p.communicate())[0] == b"hi\\n"
        print(asyncio.run(main()))
        """,
        """
        import socket, threading
        server = socket.socket(socket.AF_UNIX); server.bind("/tmp/s"); server.listen()
        threading.Thread(target=lambda: server.accept()[0].sendall(b"x")).start()
        client = socket.socket(socket.AF_UNIX); client.connect("/tmp/s"); print(client.recv(1) == b"x")
        """,
        """
        import os, time, tempfile, secrets, uuid, getpass, platform
        print(os.cpu_count() > 0 and time.time() > 1e9 and len(secrets.token_bytes(8)) == 8
              and getpass.getuser() == "plugin" and platform.system() == "Linux"
              and tempfile.mkdtemp().startswith("/tmp/") and uuid.uuid1() != uuid.uuid4())
        """,
        """
        import os, signal
        child = os.fork()
        if child == 0: signal.pause()
        os.kill(child, signal.SIGTERM); print(os.waitpid(child, 0)[1] == signal.SIGTERM)
        """,
    ])
    func `Python works`(script: String) throws {
        let ended = try Corral().run([Corral.python, "-c", script])
        #expect(ended.text == "True" && ended.status == 0 && ended.errors == "", "\(ended)")
    }

    @Test(.enabled(if: File.exists("/usr/bin/node"), "needs /usr/bin/node"))
    func `Node works`() throws {
        let script = """
            const { Worker } = require('worker_threads'), fs = require('fs'), os = require('os');
            const { execFileSync } = require('child_process'), crypto = require('crypto');
            fs.writeFileSync('file', 'text');
            console.log(fs.readFileSync('file', 'utf8'), os.cpus().length > 0, crypto.randomBytes(4).length);
            console.log(execFileSync('/bin/echo', ['child']).toString().trim());
            console.log(crypto.createHash('sha256').update('a').digest('hex').slice(0, 8));
            new WebAssembly.Memory({ initial: 1 });
            const worker = "require('worker_threads').parentPort.postMessage('worker')";
            new Worker(worker, { eval: true }).on('message', message => console.log(message));
            """
        let ended = try Corral().run(["/usr/bin/node", "-e", script])
        #expect(ended.lines == ["text true 4", "child", "ca978112", "worker"], "\(ended)")
    }

    @Test func `the shell has pipelines, jobs, here-documents and substitution`() throws {
        let ended = try Corral().shell(
            """
            printf 'b\\na\\n' | sort | head -1
            sleep 0.05 & wait $!; echo $?
            cat <<END
            here $(echo there)
            END
            sleep 30 & kill $!; wait $! 2> /dev/null; echo $?
            (exit 3); echo $?; echo text > file; [ -s file ] && cat < file
            """)
        #expect(ended.lines == ["a", "0", "here there", "143", "3", "text"], "\(ended)")
    }

    @Test(.enabled(if: File.exists("/usr/bin/bash"), "needs /usr/bin/bash"))
    func `bash has process substitution`() throws {
        let ended = try Corral().run(["bash", "-c", "diff <(echo a) <(echo a) && echo same"])
        #expect(ended.text == "same", "\(ended)")
    }
}

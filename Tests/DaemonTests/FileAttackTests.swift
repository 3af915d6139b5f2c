import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// Sessions that want their files to be somebody else's.
@Suite(.serialized, IdmappedTmpfs.trait) struct FileAttackTests {
    /// The program swaps a file of its own for a link to one of the host's that everybody may read: only what a
    /// path may lead through keeps the daemon from it.
    @Test func `a name that is swapped for a link to the host's files never gives one`() throws {
        let directory = try TemporaryDirectory()
        let secret = directory("secret")
        try File.write(Array("HOST".utf8), to: secret, mode: 0o644)
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(id, "mkdir own; echo own >own/secret; ln -s \(directory.path) host; ln -s own name")
        let marker = "94\(UInt32.random(in: 100_000...999_999))"
        let swap = """
            sleep \(marker) & while :; do
            echo own >n && mv -f n x; ln -s \(secret) l && mv -f l x
            ln -sfn own sub; mv -fT sub dir; ln -sfn \(directory.path) sub; mv -fT sub dir
            done
            """
        let body = JSONText.object { $0.add("shell", swap) }.description
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/processes", body).status == 201)
        var (own, refused) = (0, 0)
        let end = Host.now + 3
        // Longer where the machine is so slow that both have not been met yet.
        while Host.now < end || (min(own, refused) == 0 && Host.now < end + 60 * Host.patience) {
            for path in ["x", "dir/secret"] {
                let answer = try daemon.read(id, path)
                #expect(!answer.text.contains("HOST"), "\(path)")
                if answer.text == "own\n" { own += 1 } else { refused += 1 }
            }
            _ = try daemon.put(id, "dir/put", "x", "write=create")
        }
        #expect(own > 0 && refused > 0, "\(own) own, \(refused) refused")
        #expect(!File.names(in: directory.path).contains("put"))
        if Host.isRoot { try naively(marker, secret) }
    }

    /// What root would get who opens the path as it is: the same race leads to the host's file.
    private func naively(_ marker: String, _ secret: String) throws {
        var found: String?
        _ = eventually {
            found = File.names(in: "/proc").first { name in
                guard pid_t(name) != nil, let line = try? File.read("/proc/\(name)/cmdline") else {
                    return false
                }
                return line == Array("sleep\0\(marker)\0".utf8)
            }
            return found != nil
        }
        let pid = try #require(found)
        #expect(
            eventually(within: 120) {
                guard let bytes = try? File.read("/proc/\(pid)/root/workspace/x") else { return false }
                return bytes == Array("HOST".utf8)
            }, "the race is none")
    }

    @Test func `a FIFO, a socket and a device keep nobody waiting`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(id, "mkfifo pipe; mkdir d; mkfifo d/inner")
        for _ in 0..<20 {
            #expect(try daemon.read(id, "pipe").error == "conflict")
            #expect(try daemon.put(id, "pipe", "x", "write=append").error == "conflict")
        }
        #expect(try daemon.read(id, "d/inner").error == "conflict")
        #expect(try daemon.put(id, "pipe", "now a file", "").status == 200)
        #expect(try daemon.read(id, "pipe").text == "now a file")
    }

    /// More reads than there are threads, of a file that shrinks while they go on.
    @Test func `a file that is cut while it is read breaks the answer off, and the daemon goes on`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(
            id,
            "head -c 20000000 /dev/zero >big; (while :; do : >big; head -c 20000000 /dev/zero >big; done) &")
        let url = "/v1/sessions/\(id)/files/content?path=big"
        var programs: [RunningProgram] = []
        for _ in 0..<12 {
            programs.append(try Program(daemon.curl("GET", url, nil, ["-o", "/dev/null"])).start())
        }
        for program in programs {
            let status = try program.wait(timeout: 120).status
            // 18: fewer bytes came than were announced.
            #expect([0, 18].contains(status), "\(String(describing: status))")
        }
        #expect(try daemon.call("GET", "/v1/health").status == 200)
    }

    @Test func `descriptors of the daemon are no more afterwards than before`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "x", "").status == 200)
        let pid = try #require(daemon.pid)
        let warden = try #require(daemon.warden)
        // Without the network namespaces that a warden makes when it has nothing else to do.
        func count() -> [Int] {
            [pid, warden].map { pid in
                File.names(in: "/proc/\(pid)/fd").filter { number in
                    File.target(ofLink: "/proc/\(pid)/fd/\(number)")?.hasPrefix("net:[") != true
                }.count
            }
        }
        let before = count()
        for number in 0..<30 {
            _ = try daemon.put(id, "f\(number)", "x", "")
            _ = try daemon.read(id, number % 2 == 0 ? "f" : "none")
            _ = try daemon.names(id, ".")
        }
        // Fewer is right: a connection from before may have been closing still when they were counted.
        #expect(eventually { zip(count(), before).allSatisfy(<=) }, "\(before), \(count())")
    }
}

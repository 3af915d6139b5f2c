import Glibc
import TestSupport
import Testing

/// What an unpacker that has been taken over by an archive could do: a program in its place that tries.
@Suite(.enabled(if: File.exists("/usr/bin/gcc"), "gcc is not installed")) struct ConfinementTests {
    /// Writes what it could do into `results` in the tree and prints a report that is a lie.
    private static let hostile = """
        #include <arpa/inet.h>
        #include <dirent.h>
        #include <fcntl.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mount.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/sysmacros.h>
        #include <unistd.h>
        static int out;
        static void tell(const char *what, int result) { dprintf(out, "%s: %s\\n", what, result < 0 ? "no" : "yes"); }
        int main(void) {
            out = open("results", O_CREAT | O_WRONLY | O_TRUNC, 0644);
            tell("have another descriptor", fcntl(4, F_GETFD));
            tell("read the host's users", open("/etc/passwd", O_RDONLY));
            tell("write beside the tree", open("../beside", O_CREAT | O_WRONLY, 0600));
            tell("write to the archive", open("/proc/self/fd/0", O_RDWR));
            tell("make a file setuid", fchmod(out, 04755));
            tell("make a device", mknod("null", S_IFCHR | 0666, makedev(1, 3)));
            tell("mount", mount("none", ".", "tmpfs", 0, ""));
            struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            int number = socket(AF_INET, SOCK_STREAM, 0);
            tell("connect", number < 0 ? -1 : connect(number, (void *)&address, sizeof address));
            DIR *root = opendir("/");
            for (struct dirent *entry; root && (entry = readdir(root));)
                if (entry->d_name[0] != '.') dprintf(out, "sees /%s\\n", entry->d_name);
            EXTRA;
            printf("{\\"files\\":0,\\"directories\\":0,\\"symlinks\\":0,\\"hardlinks\\":0,\\"whiteouts\\":0,"
                   "\\"skipped\\":{},\\"bytes\\":0,\\"plainDigest\\":\\"\\"}\\n");
            return 0;
        }
        """

    private func store(extra: String, port: Int = 1) throws -> Store {
        let store = try Store()
        let source = Self.hostile.replacing("EXTRA", with: extra).replacing("PORT", with: "\(port)")
        try store.directory.write("hostile.c", source)
        try store.shell(
            "gcc -w -static -o hostile hostile.c; mkdir -p from alone; echo x >from/f; tar -cf from.tar from")
        return store
    }

    /// Runs the program in the unpacker's place.
    private func run(_ store: Store) throws -> Program.Outcome {
        try Program.run(
            [Corral.path, "image", "import", "x", "from.tar", "--json"],
            environment: Program.environment.merging([
                "CORRAL_IMAGES": store.directory("store"), "CORRAL_UNPACK": store.directory("hostile"),
            ]) { $1 }, timeout: 60, directory: store.directory.path)
    }

    @Test(.enabled(if: Host.isRoot, "as root the unconfined program can do it all"))
    func `a hostile unpacker can do nothing that it can do outside`() throws {
        // Listens until it is ended; its port is in the file that it writes.
        let listener = """
            import os, socket, time
            server = socket.create_server(("127.0.0.1", 0))
            open("port.new", "w").write(str(server.getsockname()[1]))
            os.rename("port.new", "port")
            time.sleep(300)
            """
        let place = try TemporaryDirectory()
        let server = try Program([Corral.python, "-c", listener], directory: place.path).start()
        #expect(eventually { File.exists(place("port")) })
        let store = try store(extra: "", port: try #require(Int(File.text(place("port")) ?? "")))
        // Outside, in a directory of its own: all of it works.
        let free = try Program.run(
            ["unshare", "--mount", store.directory("hostile")], directory: store.directory("alone"))
        #expect(free.status == 0)
        let outside = try #require(File.text(store.directory("alone/results")))
        for line in [
            "read the host's users: yes", "write beside the tree: yes", "make a file setuid: yes",
            "make a device: yes", "connect: yes", "sees /usr",
        ] {
            #expect(outside.contains(line), "\(outside)")
        }
        let outcome = try run(store)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let inside = try #require(store.text(try Report(outcome.output), "results"))
        #expect(!inside.contains("yes") && inside.contains("connect: no"), "\(inside)")
        let seen = inside.split(separator: "\n").filter { $0.hasPrefix("sees ") }.sorted()
        #expect(seen == ["sees /dev", "sees /proc", "sees /tmp", "sees /tree"], "\(seen)")
        try server.signal(SIGKILL)
        _ = try server.wait()
    }

    @Test(arguments: [
        ("mkfifo(\"pipe\", 0666)", "\"pipe\": is a fifo"),
        ("fchmod(out, 0666)", "\"results\": has the mode 666"),
        ("symlink(\"/etc\", \"etc\")", "/etc is a symlink"),
        ("close(open(\"\\xff\", O_CREAT | O_WRONLY, 0644))", "UTF-8"),
    ])
    func `a tree that no archive can give is refused, whatever the report says`(extra: String, says: String)
        throws
    {
        let store = try store(extra: extra)
        let outcome = try run(store)
        #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome.errors)")
        #expect(store.contents == [])
    }

    @Test func `a tree deeper than a process has descriptors is refused and removed`() throws {
        let store = try store(extra: "for (int i = 0; i < 3000; i++) { mkdir(\"d\", 0755); chdir(\"d\"); }")
        let outcome = try run(store)
        #expect(outcome.status == 1 && outcome.errors.contains("256 directories deep"), "\(outcome.errors)")
        #expect(store.contents == [])
    }

    @Test(arguments: [
        ("kill(getpid(), 9)", "was killed by signal 9"), ("_exit(7)", "status 7"),
        ("char *m; for (;;) { m = malloc(1 << 20); memset(m, 1, 1 << 20); }", "memory"),
    ])
    func `an unpacker that ends badly ends the import`(extra: String, says: String) throws {
        if says == "memory", !Host.isRoot { return Host.skip("memory is limited by cgroups for root only") }
        let store = try store(extra: extra)
        let outcome = try run(store)
        #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome.errors)")
        #expect(store.contents == [])
    }
}

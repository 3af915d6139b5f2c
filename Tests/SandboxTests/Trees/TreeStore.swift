// Stored root trees as these tests make them: by hand, since a launch has to stand what no import
// would let in.

import Glibc
import Linux
import TestSupport

/// An image store with one image of one tree, gone with the value.
final class TreeStore {
    let directory: TemporaryDirectory
    /// What the image is called.
    let name = "tree"
    /// The tree as the store calls it.
    let tree: String

    /// - Parameter programs: of the host, copied with the libraries they load.
    init(programs: [String] = ["sh", "cat", "ls", "stat"]) throws {
        directory = try TemporaryDirectory()
        tree = TreeStore.newName()
        try File.makeDirectories(root)
        let script = """
            set -e
            cd "$1"; shift
            mkdir -p usr/bin usr/lib etc opt
            ln -s usr/bin bin
            ln -s usr/lib lib
            ln -s usr/lib lib64
            for program; do
                file=$(command -v "$program")
                cp -L "$file" usr/bin/
                ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
                    cp -L "$library" usr/lib/
                done
            done
            printf 'root:x:0:0::/:/bin/sh\\nplugin:x:1000:1000::/home:/bin/sh\\n' >etc/passwd
            echo 'made by hand' >etc/marker
            """
        try TreeStore.shell(script, [root] + programs)
        try name(tree)
    }

    /// The tree's root directory.
    var root: String { directory("store/trees/\(tree)/root") }
    var store: String { directory("store") }

    /// `corral run` with the tree as root.
    func corral(_ options: [String] = []) -> Corral {
        var corral = Corral(["--image", name] + options)
        corral.variables["CORRAL_IMAGES"] = store
        return corral
    }

    /// Makes a tree the image's.
    func name(_ tree: String) throws {
        let text = """
            description: A tree made by hand
            hostname: sandbox
            workspace: /workspace
            tree: \(tree)
            symlinks:
              - { path: /dev/fd, target: /proc/self/fd }
            tmpfs:
              - { path: /tmp, size: 64MiB, files: 16384, mode: 01777, executable: true }
              - { path: /run, size: 1MiB, files: 256, mode: 0755 }
              - { path: /home, size: 16MiB, files: 4096, mode: 01777 }
            devices:
              - { name: "null", major: 1, minor: 3 }
              - { name: zero, major: 1, minor: 5 }
            masked:
              - /proc/kcore\n
            """
        try directory.write("store/names/\(name).yaml", text)
    }

    /// Changes the tree with a shell script that starts in its root; `$1` and so on are `arguments`.
    func change(_ script: String, _ arguments: [String] = []) throws {
        try TreeStore.shell("set -e; cd \"$1\"; shift; \(script)", [root] + arguments)
    }

    static func newName() -> String {
        "sha256-" + (0..<64).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
    }

    private static func shell(_ script: String, _ arguments: [String]) throws {
        let outcome = try Program.run(["sh", "-c", script, "sh"] + arguments, timeout: 60)
        if outcome.status != 0 { throw TreeError(description: outcome.errors) }
    }

    struct TreeError: Error, CustomStringConvertible {
        let description: String
    }
}

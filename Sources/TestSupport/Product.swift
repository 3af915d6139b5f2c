import Glibc
package import Linux

/// Where the programs under test, the repository's own files and the shared material are.
package enum Product {
    /// The path of one of this package's executables, in the same build as the running tests.
    ///
    /// Executables stand beside the test bundle. Where the tests are run by a helper of the
    /// toolchain instead, they are looked for in the build directory of this source tree.
    /// A name that was never built gives a path that does not exist, which the error of the
    /// attempt to run it then shows.
    package static func path(_ name: String) -> String {
        let candidates = [
            Repository.directory(of: File.target(ofLink: "/proc/self/exe") ?? ""),
            Repository.path(".build/debug"),
            Repository.path(".build/release"),
        ].map { "\($0)/\(name)" }
        return candidates.first { File.exists($0) } ?? candidates[0]
    }

    /// Copies the programs and their data to `prefix`, laid out as `make install` does it.
    ///
    /// A test that runs `corral` as another user needs this: the build directory may be one that
    /// only its owner can enter. Everything is readable by all.
    package static func install(to prefix: String) throws(SystemError) -> String {
        let copies: [(from: String, to: String, mode: UInt32)] =
            [
                (path("corral"), "bin/corral", 0o755),
                (path("sandbox-init"), "libexec/corral/sandbox-init", 0o755),
                (path("corral-unpack"), "libexec/corral/corral-unpack", 0o755),
                (path("corral-warden"), "libexec/corral/corral-warden", 0o755),
                (path("corrald"), "sbin/corrald", 0o755),
            ] + data("profiles", ".yaml") + data("profiles/seccomp", ".json") + data("images", ".yaml")
        for copy in copies {
            let target = "\(prefix)/\(copy.to)"
            try File.makeDirectories(Repository.directory(of: target))
            try File.write(try File.read(copy.from), to: target, mode: copy.mode)
        }
        return "\(prefix)/bin/corral"
    }

    private static func data(_ directory: String, _ suffix: String) -> [(
        from: String, to: String, mode: UInt32
    )] {
        let names = File.names(in: Repository.path(directory)).filter { $0.hasSuffix(suffix) }
        return names.map {
            (Repository.path("\(directory)/\($0)"), "share/corral/\(directory)/\($0)", UInt32(0o644))
        }
    }
}

/// The source tree that these tests were built from.
package enum Repository {
    /// The directory that holds Package.swift.
    package static let root = directory(of: directory(of: directory(of: #filePath)))

    /// An absolute path of something in the source tree.
    package static func path(_ relative: String) -> String { "\(root)/\(relative)" }

    /// What dirname(3) says of an absolute path.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}

/// Material that lies beside the source tree on development machines and nowhere else.
package enum Shared {
    /// The absolute path of, for example, `plugins/tgo-quickstart-python`; nil where it is not there.
    package static func path(_ relative: String) -> String? {
        let path = "\(Repository.directory(of: Repository.root))/shared/\(relative)"
        return File.exists(path) ? path : nil
    }
}

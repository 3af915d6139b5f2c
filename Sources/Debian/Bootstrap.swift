package import Linux
package import Sandbox

/// The two programs that make an archive of a tree from packages: mmdebstrap fetches the packages and
/// what they depend on and extracts them, mmtarfilter leaves out what the tree is not to have.
///
/// Packages are extracted and not configured: nothing that is in them runs, so building is the same
/// whoever does it, and needs no trust in their scripts.
package struct Bootstrap: Sendable {
    package static let program = "/usr/bin/mmdebstrap"
    package static let filter = "/usr/bin/mmtarfilter"

    package let recipe: ImageRecipe
    /// The repositories that have the recipe's suite.
    package let sources: [AptSource]

    /// - Parameter sources: of the machine; those of other releases are left out.
    /// - Throws: when none is left.
    package init(_ recipe: ImageRecipe, sources: [AptSource]) throws(BootstrapError) {
        self.recipe = recipe
        self.sources = sources.filter { $0.serves(recipe.suite) }
        if self.sources.isEmpty { throw .noSource(suite: recipe.suite) }
    }

    /// Command line without the program; the archive comes on standard output.
    package var arguments: [String] {
        [
            "--variant=extract", "--format=tar",
            // The sandbox has devices of its own.
            "--skip=output/dev",
            "--include=\(recipe.packages.joined(separator: ","))",
            // Where programs look for sockets, and where the sandbox has them.
            "--setup-hook=mkdir -p \"$1/var\" && ln -s /run \"$1/var/run\"",
            recipe.suite, "-",
        ] + sources.map(\.line)
    }

    /// What belongs to the tools, and names of this machine that they copy into a tree.
    private static let leftovers = [
        "/etc/apt", "/etc/dpkg", "/etc/fstab", "/etc/hostname", "/etc/resolv.conf", "/var/cache/apt",
        "/var/lib/apt", "/var/lib/dpkg", "/var/log/apt",
    ]

    /// Command line of mmtarfilter without the program.
    package var filterArguments: [String] {
        (Bootstrap.leftovers + recipe.exclude).flatMap { ["--path-exclude=\($0)", "--path-exclude=\($0)/*"] }
    }
}

/// Why no archive was made.
package enum BootstrapError: Error, Hashable, Sendable {
    case noSource(suite: String)
    case noProgram(String)
    case failed(String, status: Int32)
    case interrupted
    case system(SystemError)
}

extension BootstrapError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noSource(let suite):
            "no package source of this machine has the suite \(suite); expected one in /etc/apt/sources.list or "
                + "/etc/apt/sources.list.d"
        case .noProgram(let path):
            "\(path) is not there; building needs Debian's package mmdebstrap"
        case .failed(let program, let status):
            "\(program) failed with status \(status), see above; it needs the network for the packages, and root "
                + "or user namespaces with a range in /etc/subuid"
        case .interrupted: "ended by a signal"
        case .system(let error): "\(error)"
        }
    }
}

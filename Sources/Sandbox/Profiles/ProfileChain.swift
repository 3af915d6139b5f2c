/// A profile's file and the files that it extends, one after the other.
package struct ProfileChain: Hashable, Sendable {
    /// From the profile itself to the one that extends none.
    package let files: [ProfileFile]

    /// How many files may stand in a row.
    package static let depthLimit = 8

    /// Follows `extends` from a file to its end.
    /// - Parameters:
    ///   - next: reads the file that another extends. The reference is that file's ``ProfileFile/extends``;
    ///     an error of its own is told as one about that key, with the problem it gives.
    package init(
        from first: ProfileFile,
        next: (ProfileFile, ProfileFile.Reference) throws(ProfileChain.Missing) -> ProfileFile
    ) throws(ConfigError) {
        var files = [first]
        while let last = files.last, let reference = last.extends {
            let base: ProfileFile
            do throws(ProfileChain.Missing) {
                base = try next(last, reference)
            } catch {
                switch error {
                case .absent(let problem): throw last.extendsError(problem)
                case .wrong(let error): throw error
                }
            }
            if let start = files.firstIndex(where: { $0.file == base.file }) {
                let way = files[start...].map { "\($0.file):\($0.extends?.line ?? 1)" }
                throw last.extendsError(
                    "leads in a circle: \((way + [base.file]).joined(separator: " -> "))")
            }
            guard files.count < ProfileChain.depthLimit else {
                let way = files.map { "\($0.file):\($0.extends?.line ?? 1)" }
                throw last.extendsError(
                    "is one file too many, expected at most \(ProfileChain.depthLimit) in a row: "
                        + "\((way + [base.file]).joined(separator: " -> "))")
            }
            files.append(base)
        }
        self.files = files
    }

    /// Why the file that another extends is not to be had.
    package enum Missing: Error, Hashable, Sendable {
        /// A clause about the key `extends`.
        case absent(String)
        /// It is there and is wrong.
        case wrong(ConfigError)
    }

    /// All layers of files over the built-in defaults.
    package var merged: PartialProfile {
        files.reversed().reduce(PartialProfile.builtIn) { $0.merged(with: $1.layer) }
    }

    /// The profile that the files amount to.
    package func profile() throws(ConfigError) -> Profile {
        try Profile(merged, name: files[0].name, file: files[0].file)
    }
}

extension Profile {
    /// Reads one file that extends none.
    package static func decode(_ yaml: [UInt8], file: String) throws(ConfigError) -> Profile {
        try ProfileChain(from: ProfileFile(yaml, file: file)) { (_, reference) throws(ProfileChain.Missing) in
            throw .absent("names \(quoted(reference.target)), which cannot be looked up here")
        }.profile()
    }
}

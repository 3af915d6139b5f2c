import CLinux
import Glibc
import Linux
import Testing

@testable import Seccomp

@Suite struct FilterCacheTests {
    private static let policy = Array(
        #"""
        {"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
        {"names":["dup"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}]}]}
        """#.utf8)

    private static func parts(_ policy: [UInt8] = policy) -> [PolicyPart] {
        [PolicyPart(file: "p.json", json: policy)]
    }

    private func filter(
        _ policy: [UInt8] = FilterCacheTests.policy, in directory: borrowing FileDescriptor
    ) throws -> CompiledFilter {
        try FilterCache(directory: directory.duplicate(), policies: nil)
            .filter(parts: Self.parts(policy))
    }

    private func storedName() -> String { hexadecimal(FilterFile.key(for: Self.parts())) + ".bpf" }

    @Test func `the second time a filter comes from the cache, byte for byte`() throws {
        let directory = try TemporaryDirectory.make()
        let first = try filter(in: directory.descriptor)
        #expect(first.origin == .compiled)
        #expect(directory.names == [storedName()])
        var second = try filter(in: directory.descriptor)
        #expect(second.origin == .cache)
        second.origin = .compiled
        #expect(second == first)
        #expect(second.allowedCount == 3 && second.conditionalCount == 1)
    }

    @Test func `a changed policy is another filter`() throws {
        let directory = try TemporaryDirectory.make()
        _ = try filter(in: directory.descriptor)
        #expect(try filter(Self.policy + [0x0A], in: directory.descriptor).origin == .compiled)
        #expect(directory.names.count == 2)
    }

    @Test func `a wrong policy is an error and leaves nothing`() throws {
        let directory = try TemporaryDirectory.make()
        #expect(throws: SeccompError.self) { try filter([0x7B], in: directory.descriptor) }
        #expect(directory.names == [])
    }

    @Test func `without a cache a filter is compiled`() throws {
        let cache = FilterCache(directory: nil, policies: nil)
        #expect(try cache.filter(parts: Self.parts()).origin == .compiled)
    }

    @Test func `a file that was changed anywhere is not used, and made anew`() throws {
        let directory = try TemporaryDirectory.make()
        let original = try filter(in: directory.descriptor)
        let path = "\(directory.path)/\(storedName())"
        let bytes = try contents(of: path)
        for at in bytes.indices {
            var changed = bytes
            changed[at] ^= 0x40
            try directory.write(changed, to: storedName())
            let filter = try filter(in: directory.descriptor)
            #expect(filter == original, "byte \(at)")
            #expect(try contents(of: path) == bytes)
        }
    }

    @Test func `a file that was cut or lengthened is not used`() throws {
        let directory = try TemporaryDirectory.make()
        _ = try filter(in: directory.descriptor)
        let bytes = try contents(of: "\(directory.path)/\(storedName())")
        for count in [0, 1, 8, 87, 88, 119, 120, 121, bytes.count - 8, bytes.count - 1] {
            try directory.write(Array(bytes[..<count]), to: storedName())
            #expect(try filter(in: directory.descriptor).origin == .compiled, "\(count) bytes")
        }
        try directory.write(bytes + [0], to: storedName())
        #expect(try filter(in: directory.descriptor).origin == .compiled)
    }

    /// A whole and undamaged file of another policy is refused by its key.
    @Test func `a filter of another policy under this one's name is not used`() throws {
        let directory = try TemporaryDirectory.make()
        let wide = Array(#"{"defaultAction":"SCMP_ACT_ALLOW"}"#.utf8)
        let other = try Compiler.compile(parts: Self.parts(wide))
        let file = FilterFile.encode(other, key: FilterFile.key(for: Self.parts(wide)))
        try directory.write(file, to: storedName())
        #expect(throws: FilterFileProblem.otherPolicy) { try read(in: directory.descriptor) }
        #expect(try filter(in: directory.descriptor).origin == .compiled)
    }

    @Test func `a program that does not look like a filter is refused`() throws {
        let directory = try TemporaryDirectory.make()
        let key = FilterFile.key(for: Self.parts())
        // `ret allow` alone: does not begin with the architecture.
        let bytes = Instruction.encode([.answer(Action.allow.number)])
        let fake = CompiledFilter(
            bytes: bytes, digest: Digest.of(bytes), allowedCount: 1, conditionalCount: 0, origin: .compiled)
        try directory.write(FilterFile.encode(fake, key: key), to: storedName())
        #expect(throws: FilterFileProblem.program) { try read(in: directory.descriptor) }
    }

    private func read(
        in directory: borrowing FileDescriptor, owners: [uid_t] = [geteuid()]
    ) throws(FilterFileProblem) -> CompiledFilter {
        try FilterCache.read(
            storedName(), in: directory, key: FilterFile.key(for: Self.parts()), owners: owners,
            origin: .cache
        )
    }

    @Test(arguments: [0o620, 0o602, 0o666] as [mode_t])
    func `a file that others may write to is not used`(mode: mode_t) throws {
        let directory = try TemporaryDirectory.make()
        _ = try filter(in: directory.descriptor)
        unsafe fchmodat(directory.descriptor.number, storedName(), mode, 0)
        #expect(throws: FilterFileProblem.permissions) { try read(in: directory.descriptor) }
        #expect(try filter(in: directory.descriptor).origin == .compiled)
        // The new file has taken its place.
        #expect(try filter(in: directory.descriptor).origin == .cache)
    }

    @Test(arguments: [0o770, 0o707, 0o1777] as [mode_t])
    func `a directory that others may write to is neither read nor written`(mode: mode_t) throws {
        let directory = try TemporaryDirectory.make()
        _ = try filter(in: directory.descriptor)
        let before = try contents(of: "\(directory.path)/\(storedName())")
        fchmod(directory.descriptor.number, mode)
        #expect(throws: FilterFileProblem.directory) { try read(in: directory.descriptor) }
        #expect(try filter(in: directory.descriptor).origin == .compiled)
        #expect(try filter(Self.policy + [0x0A], in: directory.descriptor).origin == .compiled)
        #expect(directory.names == [storedName()])
        #expect(try contents(of: "\(directory.path)/\(storedName())") == before)
    }

    @Test(.enabled(if: geteuid() == 0, "giving files away needs root"))
    func `a file or directory of somebody else is not used`() throws {
        let directory = try TemporaryDirectory.make()
        _ = try filter(in: directory.descriptor)
        unsafe fchownat(directory.descriptor.number, storedName(), 65534, 65534, 0)
        #expect(throws: FilterFileProblem.permissions) { try read(in: directory.descriptor) }
        #expect(throws: Never.self) { try read(in: directory.descriptor, owners: [0, 65534]) }
        fchown(directory.descriptor.number, 65534, 65534)
        #expect(throws: FilterFileProblem.directory) { try read(in: directory.descriptor) }
    }

    @Test func `a symbolic link in the file's place is not followed, and replaced`() throws {
        let directory = try TemporaryDirectory.make()
        _ = try filter(in: directory.descriptor)
        let parent = directory.descriptor.number
        unsafe renameat(parent, storedName(), parent, "elsewhere")
        unsafe symlinkat("elsewhere", parent, storedName())
        #expect(throws: FilterFileProblem.absent) { try read(in: directory.descriptor) }
        #expect(try filter(in: directory.descriptor).origin == .compiled)
        #expect(try filter(in: directory.descriptor).origin == .cache)
    }

    @Test func `a FIFO or directory in the file's place does no harm`() throws {
        let directory = try TemporaryDirectory.make()
        let parent = directory.descriptor.number
        unsafe mkfifoat(parent, storedName(), 0o600)
        #expect(throws: FilterFileProblem.permissions) { try read(in: directory.descriptor) }
        unsafe unlinkat(parent, storedName(), 0)
        unsafe mkdirat(parent, storedName(), 0o700)
        #expect(throws: FilterFileProblem.permissions) { try read(in: directory.descriptor) }
        // It cannot be replaced, and the attempt leaves nothing behind.
        #expect(try filter(in: directory.descriptor).origin == .compiled)
        #expect(directory.names == [storedName()])
        unsafe unlinkat(parent, storedName(), AT_REMOVEDIR)
    }

    @Test func `an enormous file is not read`() throws {
        let directory = try TemporaryDirectory.make()
        try directory.write([], to: storedName())
        try #require(unsafe truncate("\(directory.path)/\(storedName())", 1 << 40) == 0)
        #expect(throws: FilterFileProblem.size) { try read(in: directory.descriptor) }
    }

    @Test func `an installed filter is used as long as it fits the policy`() throws {
        let directory = try TemporaryDirectory.make()
        let compiled = try FilterCache.precompile(
            parts: Self.parts(), into: directory.descriptor)
        #expect(directory.names == ["p.bpf"])
        var status = clinux_stat()
        let number = unsafe openat(directory.descriptor.number, "p.bpf", O_RDONLY)
        _ = unsafe clinux_fstat(number, &status)
        close(number)
        #expect(status.mode & 0o7777 == 0o644)
        let kept = try TemporaryDirectory.make()
        let cache = try FilterCache(
            directory: kept.descriptor.duplicate(), policies: directory.descriptor.duplicate())
        let found = try cache.filter(parts: Self.parts())
        #expect(found.origin == .installed)
        #expect(found.bytes == compiled.bytes)
        #expect(kept.names == [])
        let changed = try cache.filter(parts: Self.parts(Self.policy + [0x20]))
        #expect(changed.origin == .compiled)
    }

    @Test func `parts are found by their names`() throws {
        let directory = try TemporaryDirectory.make()
        try directory.write(Self.policy, to: "mine.json")
        let more = Array(#"{"syscalls":[{"names":["pause"],"action":"SCMP_ACT_ALLOW"}]}"#.utf8)
        try directory.write(more, to: "more.json")
        let parts = try ["mine", "more"].map { try FilterCache.part(named: $0, in: directory.descriptor) }
        #expect(parts.map(\.file) == ["mine.json", "more.json"])
        #expect(parts.map(\.json) == [Self.policy, more])
        #expect(parts.policyName == "mine+more")
        let cache = try FilterCache(directory: nil, policies: directory.descriptor.duplicate())
        #expect(try cache.filter(parts: parts).origin == .compiled)
        try FilterCache.precompile(parts: parts, into: directory.descriptor)
        #expect(directory.names == ["mine+more.bpf", "mine.json", "more.json"])
        #expect(try cache.filter(parts: parts).origin == .installed)
        #expect(try cache.filter(parts: parts).allowedCount == 4)
    }

    @Test func `parts, their names and their order are in the key`() {
        let one = part("1", file: "a.json")
        let two = part("2", file: "b.json")
        let lists = [
            [one], [two], [one, two], [two, one], [one, one], [part("1", file: "b.json")],
            [part("1a2", file: "")], [part("", file: "a1")],
        ]
        #expect(Set(lists.map { FilterFile.key(for: $0) }).count == lists.count)
        #expect(
            FilterFile.key(for: [one, two]) == FilterFile.key(for: [part("1", file: "x/a.json"), two]))
    }

    @Test(arguments: ["other", "", ".", "../mine", ".hidden", "a/b", "mine\0"])
    func `a name that is no policy's is an error`(name: String) throws {
        let directory = try TemporaryDirectory.make()
        try directory.write(Self.policy, to: "mine.json")
        let error = #expect(throws: SeccompError.self) {
            try FilterCache.part(named: name, in: directory.descriptor)
        }
        #expect(error == .noSuchPolicy(name))
        #expect(error?.description == "there is no seccomp policy \"\(name)\"")
    }

    @Test func `a policy file that is too long is an error`() throws {
        let directory = try TemporaryDirectory.make()
        try directory.write([UInt8](repeating: 0x20, count: 1 << 18 + 1), to: "long.json")
        #expect(throws: SeccompError.system(SystemError("read", "long.json", .fileTooLarge))) {
            try FilterCache.part(named: "long", in: directory.descriptor)
        }
    }

    @Test func `two writers at once leave one whole file`() async throws {
        let directory = try TemporaryDirectory.make()
        let number = directory.descriptor.number
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let copy = FileDescriptor(owning: dup(number))
                    return (try? self.filter(in: copy)) != nil
                }
            }
            for await succeeded in group { #expect(succeeded) }
        }
        #expect(directory.names == [storedName()])
        #expect(try filter(in: directory.descriptor).origin == .cache)
    }
}

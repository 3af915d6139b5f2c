import CLinux
import Glibc
import Linux
package import Sandbox
import Seccomp

/// The bytes of stored rules: what the files of a profile amount to, so that starting a sandbox reads
/// no YAML and compiles nothing.
///
/// | bytes | what |
/// |---|---|
/// | 8 | the characters `corralRL` |
/// | 4 | version of this layout |
/// | 4 | size of the values |
/// | 32 | key: the profile's file, the variant, and who decoded it |
/// | as said | values: profile, then image; then 32 of digest |
/// | 4 | number of sources |
/// | for each | kind, words by which it was looked up, its name, its bytes |
/// | 4, then as said | the filter, a whole `FilterFile` under the same key |
///
/// Words are little-endian; the values end with SHA-512/256 of everything before. The sources are there
/// as they were read, and the rules hold only as long as the same words lead to the same files: comparing
/// them takes a hundredth of the time that a digest does. Who may write the file is checked where it is
/// opened.
package struct RulesFile {
    package static let version: UInt32 = 7
    static let maximumSize = 1 << 20
    package static let magic = Array("corralRL".utf8)

    package let profile: Profile
    package let image: Image
    private let bytes: [UInt8]
    private let key: [UInt8]
    /// A source as it was read. A tuple's type would be made at run time, in every launch.
    private struct Source {
        let lookup: RulesSource.Lookup
        let called: String
        let text: Range<Int>
    }
    private let sources: [Source]
    private let filterSource: Range<Int>

    /// Names the rules of a profile's file. Another build of Corral makes another key: it may read the
    /// same file differently.
    /// - Parameter name: what the file is called, which the profile's name comes from.
    static func key(profile: [UInt8], name: String, _ variant: RulesVariant) -> [UInt8] {
        var status = stat()
        _ = unsafe stat("/proc/self/exe", &status)
        let build = "\(CorralVersion.current) \(status.st_size) \(status.st_mtim.tv_sec)"
        let context = "rules \(version) corral \(build) \(name)\(variant.suffix)\0"
        return FilterFile.key(for: Array(context.utf8) + profile)
    }

    static func encode(_ rules: Rules, sources: [RulesSource], key: [UInt8]) -> [UInt8] {
        var values = StoredWriter()
        rules.profile.store(in: &values)
        rules.image.store(in: &values)
        var file = StoredWriter()
        file.raw(magic)
        file.word(version)
        file.word(UInt32(values.bytes.count))
        file.raw(key)
        file.raw(values.bytes)
        file.raw(Digest.of(file.bytes))
        file.word(UInt32(sources.count))
        for source in sources {
            source.lookup.store(in: &file)
            file.text(source.called)
            file.blob(source.bytes)
        }
        file.blob(FilterFile.encode(rules.filter, key: key))
        return file.bytes
    }

    /// - Throws: for bytes that are damaged, of another layout or of another profile; never traps.
    package init(_ bytes: [UInt8], key: [UInt8]) throws(StoredProblem) {
        var reader = StoredReader(bytes)
        guard bytes[try reader.take(RulesFile.magic.count)].elementsEqual(RulesFile.magic),
            try reader.word() == RulesFile.version
        else { throw StoredProblem() }
        let size = Int(try reader.word())
        guard bytes[try reader.take(Digest.size)].elementsEqual(key) else { throw StoredProblem() }
        let end = reader.position + size
        guard bytes.count >= end + Digest.size else { throw StoredProblem() }
        var digest = Digest()
        digest.update(bytes.span.extracting(0..<end))
        guard bytes[end..<end + Digest.size].elementsEqual(digest.finish()) else { throw StoredProblem() }
        profile = try Profile(from: &reader)
        image = try Image(from: &reader)
        guard reader.position == end else { throw StoredProblem() }
        _ = try reader.take(Digest.size)
        var sources: [Source] = []
        for _ in 0..<(try reader.word()) {
            sources.append(
                Source(
                    lookup: try RulesSource.Lookup(from: &reader), called: try reader.text(),
                    text: try reader.blob()))
        }
        self.sources = sources
        filterSource = try reader.blob()
        guard reader.isAtEnd else { throw StoredProblem() }
        self.bytes = bytes
        self.key = key
    }

    /// The filter; nil when one of the sources is another now, or the filter is damaged.
    /// - Parameter find: looks a source up as it was looked up before.
    func filter(
        origin: CompiledFilter.Origin, _ find: (RulesSource.Lookup) throws(PreparationError) -> RulesSource
    ) -> CompiledFilter? {
        for source in sources {
            guard let now = try? find(source.lookup), now.called == source.called,
                holds(source.text, now.bytes)
            else { return nil }
        }
        return try? FilterFile.decode(Array(bytes[filterSource]), key: key, origin: origin)
    }

    /// The files that the rules hold for.
    var allSources: [RulesSource] {
        sources.map { RulesSource(lookup: $0.lookup, called: $0.called, bytes: Array(bytes[$0.text])) }
    }

    private func holds(_ range: Range<Int>, _ other: [UInt8]) -> Bool {
        guard range.count == other.count else { return false }
        if range.isEmpty { return true }
        return unsafe bytes.withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { other in
                guard let left = own.baseAddress, let right = other.baseAddress else { return false }
                return unsafe memcmp(left + range.lowerBound, right, range.count) == 0
            }
        }
    }
}

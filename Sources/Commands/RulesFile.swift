import Glibc
import Linux
import Sandbox
import Seccomp

/// The bytes of stored rules: what the files of a profile amount to, so that starting a sandbox reads
/// no YAML and compiles nothing.
///
/// | bytes | what |
/// |---|---|
/// | 8 | the characters `corralRL` |
/// | 4 | version of this layout |
/// | 4 | size of the values |
/// | 32 | key: the profile's file, and who decoded it |
/// | as said | values: profile, then image |
/// | 32 | SHA-512/256 of everything before |
/// | 4, then as said | the image's file |
/// | 4, then as said | the policy's file |
/// | 4, then as said | the filter, a whole `FilterFile` under the same key |
///
/// Words are little-endian. Image and policy are there as they were read, and the rules hold only as
/// long as the files are still the same: comparing them takes a hundredth of the time that a digest
/// does. Who may write the file is checked where it is opened.
struct RulesFile {
    static let version: UInt32 = 2
    static let maximumSize = 1 << 20
    private static let magic = Array("corralRL".utf8)

    let profile: Profile
    let image: Image
    private let bytes: [UInt8]
    private let key: [UInt8]
    private let imageSource: Range<Int>
    private let policySource: Range<Int>
    private let filterSource: Range<Int>

    /// Names the rules of a profile's file. Another build of Corral makes another key: it may read the
    /// same file differently.
    /// - Parameter name: what the file is called, which the profile's name comes from.
    static func key(profile: [UInt8], name: String) -> [UInt8] {
        var status = stat()
        _ = unsafe stat("/proc/self/exe", &status)
        let build = "\(CorralCommand.version) \(status.st_size) \(status.st_mtim.tv_sec)"
        return FilterFile.key(for: Array("rules \(version) corral \(build) \(name)\0".utf8) + profile)
    }

    static func encode(_ rules: Rules, image: [UInt8], policy: [UInt8], key: [UInt8]) -> [UInt8] {
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
        file.blob(image)
        file.blob(policy)
        file.blob(FilterFile.encode(rules.filter, key: key))
        return file.bytes
    }

    /// - Throws: for bytes that are damaged, of another layout or of another profile; never traps.
    init(_ bytes: [UInt8], key: [UInt8]) throws(StoredProblem) {
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
        imageSource = try reader.blob()
        policySource = try reader.blob()
        filterSource = try reader.blob()
        guard reader.isAtEnd else { throw StoredProblem() }
        self.bytes = bytes
        self.key = key
    }

    /// The filter; nil when the image or the policy is another now, or the filter is damaged.
    func filter(image: [UInt8], policy: [UInt8], origin: CompiledFilter.Origin) -> CompiledFilter? {
        guard holds(imageSource, image), holds(policySource, policy) else { return nil }
        return try? FilterFile.decode(Array(bytes[filterSource]), key: key, origin: origin)
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

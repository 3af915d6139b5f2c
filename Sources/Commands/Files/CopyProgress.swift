import Glibc
import Linux
import Tables

/// What has been copied so far, shown on a terminal while it goes on and nowhere else.
struct CopyProgress {
    private static let pause: BootTime = 200_000_000

    private let isShown: Bool
    /// Of one thing, files are not counted.
    private let countsFiles: Bool
    private var files: UInt64 = 0
    private var bytes: UInt64 = 0
    private var nextLine: BootTime
    private var hasLine = false

    /// - Parameter isQuiet: whether nothing is to be shown on a terminal either.
    init(isQuiet: Bool, countsFiles: Bool = true) {
        self.countsFiles = countsFiles
        isShown = !isQuiet && isatty(2) == 1
        nextLine = Timer.now + Self.pause
    }

    mutating func copied(_ count: Int) {
        bytes += UInt64(count)
        guard isShown, Timer.now >= nextLine else { return }
        nextLine = Timer.now + Self.pause
        hasLine = true
        Terminal.write("\r\u{1B}[K\(text)", to: 2)
    }

    mutating func copiedFile() { files += 1 }

    /// - Parameter target: where it went.
    mutating func end(_ target: String) {
        clear()
        if isShown { Terminal.error("copied \(text) to \(target)") }
    }

    /// Takes its line away, for an error's.
    mutating func clear() {
        if hasLine { Terminal.write("\r\u{1B}[K", to: 2) }
        hasLine = false
    }

    private var text: String {
        if !countsFiles { return SizeText.of(bytes) }
        return "\(files) \(files == 1 ? "file" : "files"), \(SizeText.of(bytes))"
    }
}

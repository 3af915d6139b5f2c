// Directories of a host's volume that are handed out while whoever owns the one above them puts others in their
// place.

import Glibc
import Linux
import Synchronization
import TestSupport
import Testing
import Trees

@testable import Volumes

@Suite(.serialized, .enabled(if: Machine.hasImages, Machine.why)) struct HandedDirectoryTests {
    /// Has root's directory `keep` take the place of every `new` that appears in `parent`, until `isOver`.
    private static func swap(in parent: CInt, until isOver: borrowing Atomic<Bool>) {
        var count = 0
        while !isOver.load(ordering: .relaxed) {
            guard unsafe renameat(parent, "new", parent, "aside-\(count)") == 0 else { continue }
            if unsafe renameat(parent, "keep", parent, "new") == 0 {
                usleep(200)
                _ = unsafe renameat(parent, "new", parent, "keep")
            }
            count += 1
        }
    }

    /// Does `body` while the directories are exchanged.
    private func whileSwapping(in parent: CInt, _ body: () throws -> Void) throws {
        final class Over: Sendable { let flag = Atomic(false) }
        let over = Over()
        let thread = try Thread.start { Self.swap(in: parent, until: over.flag) }
        let result = Result { try body() }
        over.flag.store(true, ordering: .relaxed)
        thread.join()
        try result.get()
    }

    private static let owner = DirectoryOwner(user: 1000, group: 1000, mode: 0o755)

    private func owner(of name: String, in directory: borrowing FileDescriptor) throws -> UInt32 {
        try DirectoryOwner(of: directory.open(name, O_RDONLY | O_DIRECTORY)).user
    }

    private func clear(_ parent: borrowing FileDescriptor) throws {
        for name in try parent.entries().map(\.name) where name != "keep" {
            try parent.removeDirectory(name)
        }
    }

    @Test func `no directory of root's gets another owner by taking the place of one that is made`() throws {
        let place = try Place()
        let volume = try HostVolume(
            making: place.open(), store: place.path, path: "/volume", bytes: 256 * megabyte,
            owner: Self.owner, maker: try #require(VolumeFacts.read(place.open(), path: place.path).maker))
        try volume.root.makeDirectory("a", mode: 0o755)
        let parent = try volume.root.open("a", O_RDONLY | O_DIRECTORY)
        let number = parent.number
        try #require(fchown(number, 1000, 1000) == 0)
        try parent.makeDirectory("keep", mode: 0o700)
        try parent.open("keep", O_RDONLY | O_DIRECTORY).makeDirectory("secret", mode: 0o700)

        // The control: whoever gives away what has the name gives away that directory.
        var isLost = false
        try whileSwapping(in: number) {
            isLost = eventually(within: 120) {
                for _ in 0..<100 {
                    try? parent.makeDirectory("new", mode: 0o700)
                    if let made = try? parent.open("new", O_RDONLY | O_DIRECTORY) {
                        _ = fchown(made.number, 1000, 1000)
                    }
                }
                return (try? owner(of: "keep", in: parent)) == 1000
            }
        }
        #expect(isLost, "the control: no directory was exchanged in time")

        if try parent.status(of: "keep") == nil { _ = unsafe renameat(number, "new", number, "keep") }
        let kept = try parent.open("keep", O_RDONLY | O_DIRECTORY)
        try #require(fchown(kept.number, 0, 0) == 0)
        try clear(parent)
        try whileSwapping(in: number) {
            for round in 0..<200 {
                // As the last name, and as one on the way.
                _ = try? volume.hand(
                    out: round % 2 == 0 ? "a/new" : "a/new/below", bytes: nil, usual: 16 * megabyte
                ) { _ in false }
            }
        }
        #expect(try DirectoryOwner(of: kept).user == 0)
        #expect(try kept.entries().map(\.name) == ["secret"])
    }
}

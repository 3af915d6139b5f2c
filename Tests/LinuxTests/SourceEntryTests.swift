// Finding again what was checked: by its path, its kind and its number.

import CLinux
import Glibc
import Linux
import Testing

@Suite struct SourceEntryTests {
    private func open(_ path: String, like other: String, directory: Bool) -> CInt {
        var status = stat()
        guard unsafe stat(other, &status) == 0 else { return -1 }
        let number = unsafe clinux_open_source(
            path, UInt64(status.st_dev), UInt64(status.st_ino), directory ? 1 : 0)
        guard number >= 0 else { return errno }
        _ = close(number)
        return 0
    }

    @Test func `what was replaced, is of another kind or behind a link is not opened`() throws {
        let temporary = try makeTemporaryDirectory()
        defer { removeTree(temporary) }
        let (one, other, link) = (temporary + "/one", temporary + "/other", temporary + "/link")
        for path in [one, other] { #expect(unsafe mkdir(path, 0o755) == 0) }
        #expect(unsafe symlink("one", link) == 0)
        #expect(open(one, like: one, directory: true) == 0)
        #expect(open(one, like: other, directory: true) == ESTALE)
        #expect(open(one, like: one, directory: false) == EINVAL)
        // A link at the end is opened itself, and is not what was meant.
        #expect(open(link, like: one, directory: true) == ESTALE)
        #expect(open(link + "/.", like: one, directory: true) == ELOOP)
        #expect(open(one + "x", like: one, directory: true) == ENOENT)
    }
}

// Reading the mount table.

import Glibc
import Linux
import Testing

@Suite struct MountInfoTests {
    @Test func `fields are read, whatever is optional, and escapes are undone`() {
        let text = """
            27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
            31 27 0:25 /a\\040b /mnt/c\\134d rw shared:1 master:2 - tmpfs none rw
            not a line
            """
        let entries = MountTable(Array(text.utf8)).entries
        #expect(entries.map(\.id) == [27, 31] && entries.map(\.device) == ["254:0", "0:25"])
        #expect(entries.map(\.root) == ["/", "/a b"] && entries.map(\.point) == ["/", #"/mnt/c\d"#])
        #expect(entries.map(\.type) == ["ext4", "tmpfs"])
    }

    @Test func `a descriptor's mount is found`() throws {
        let table = try MountTable.read()
        let proc = try FileDescriptor.open("/proc/self", O_RDONLY | O_DIRECTORY)
        #expect(try table.entry(of: proc)?.type == "proc")
        let root = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
        #expect(try table.entry(of: root)?.point == "/")
    }
}

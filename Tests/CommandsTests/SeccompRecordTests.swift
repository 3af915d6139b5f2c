import Seccomp
import Testing

@testable import Commands

@Suite struct SeccompRecordTests {
    /// As Linux 6.18 writes it.
    private static let line =
        "5,20222,11959153921,-;audit: type=1326 audit(1795274847.088:524): auid=4294967295 uid=200001 "
        + "gid=200001 ses=4294967295 pid=13508 comm=\"s\" exe=\"/usr/bin/s\" sig=31 arch=c000003e syscall=169 "
        + "compat=0 ip=0x7f39740f1829 code=0x80000000\n"

    @Test func `a record tells time, uid, architecture and call`() throws {
        let record = try #require(SeccompRecord(line: Self.line))
        #expect(record.time == 1_795_274_847_088 && record.uid == 200_001)
        #expect(record.architecture == 0xC000_003E && record.call == 169)
    }

    @Test(arguments: [
        // Another record, another signal, and messages that only hold such a text.
        ("type=1326", "type=1327"), ("sig=31", "sig=0"), (";audit:", ";python3: audit:"), ("uid=", "xid="),
        ("syscall=169", "syscall=x"), ("1795274847.088", "1795274847"), ("audit(", "audit["), (";", ","),
    ])
    func `what is not such a record is none`(text: String, other: String) {
        #expect(SeccompRecord(line: Self.line.replacing(text, with: other)) == nil)
    }

    /// A program's name is the one thing in a record that it chooses; the kernel writes odd ones in
    /// hexadecimal. The first field of a name counts, so that nothing behind could replace one.
    @Test func `a later field does not replace an earlier one`() throws {
        let record = try #require(
            SeccompRecord(line: Self.line.replacing("sig=31", with: "uid=1 sig=31")))
        #expect(record.uid == 200_001)
    }

    @Test func `records of one call name it, of several or none do not`() throws {
        let first = try #require(SeccompRecord(line: Self.line))
        let second = try #require(
            SeccompRecord(line: Self.line.replacing("syscall=169", with: "syscall=167")))
        #expect(SeccompCause([first, first]) == .call(architecture: 0xC000_003E, number: 169))
        guard case .unknown = SeccompCause([first, second]), case .unknown = SeccompCause([]) else {
            Issue.record("a call was named that is not known")
            return
        }
    }

    @Test func `a call is named by its architecture`() {
        #expect(Syscalls.name(of: 20, architecture: 0x4000_0003) == "getpid")
        #expect(Syscalls.name(of: 39, architecture: 0xC000_003E) == "getpid")
        #expect(Syscalls.name(of: 0x4000_0000 | 39, architecture: 0xC000_003E) == "getpid")
        let text = SeccompCause.call(architecture: 0x4000_0003, number: 20).text(nil)
        #expect(text == "system call getpid of another architecture, which no policy allows")
    }
}

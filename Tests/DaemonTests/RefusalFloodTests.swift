import API
import Testing

@testable import Daemon

/// Refusals by the thousand, and how many records they make.
@Suite struct RefusalFloodTests {
    private func refusal(_ uid: UInt32, _ what: String = "session.create") -> AuditEntry {
        AuditEntry(wall: 1, uid: uid, tenant: "red", what: what, object: "x", outcome: "limit", trace: "t")
    }

    @Test func `one caller has so many records in a window, and the rest are counted`() {
        var flood = RefusalFlood()
        #expect(!flood.isOpen)
        let admitted = (0..<1000).count { _ in flood.admits(refusal(1)) }
        #expect(admitted == RefusalFlood.mostOfOne && flood.isOpen)
        // Somebody else is not the worse for it.
        let (other, more) = (flood.admits(refusal(2)), flood.admits(refusal(1, "process.exec")))
        #expect(other && !more)
        let counted = flood.close()
        #expect(counted.map(\.what) == ["process.exec", "session.create"])
        #expect(counted.map(\.count) == [1, 1000 - Int64(RefusalFlood.mostOfOne)])
        #expect(counted.allSatisfy { $0.uid == 1 && $0.object == nil && $0.outcome == "limit" })
        #expect(!flood.isOpen && flood.close().isEmpty)
        let again = flood.admits(refusal(1))
        #expect(again)
    }

    @Test func `none is lost, however many callers and kinds there are`() {
        var flood = RefusalFlood()
        var admitted = 0
        for number in 0..<20_000 where flood.admits(refusal(UInt32(number % 500), "what-\(number % 7)")) {
            admitted += 1
        }
        #expect(admitted == RefusalFlood.most)
        let counted = flood.close()
        #expect(counted.count <= RefusalFlood.mostKinds + 1)
        #expect(counted.reduce(Int64(admitted)) { $0 + ($1.count ?? 0) } == 20_000)
        #expect(counted.contains { $0.what == "other" })
    }
}

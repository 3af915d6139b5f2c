// What the warden makes of volumes without any: codes, ceilings, times.

import Linux
import Sandbox
import Testing
import Volumes
import WardenProtocol

@testable import Warden

@Suite struct VolumeValueTests {
    private static let name = VolumeName.workspace(tenant: "alice", name: "notes")
    private static let failure = SystemError("open", "x", .noSpace)

    private static let errors: [VolumeError] = [
        .badName("x", "is bad"), .badLimit("bytes", 1, expected: "more"), .absent(name), .exists(name),
        .notAVolume("x"), .belowUse(name, "bytes", asked: 1, used: 2), .unsupported(.directory, "snapshots"),
        .notEnforced(.directory, "bytes", "why"), .tenantFull("alice"),
        .diskFull("x", wanted: 2, available: 1), .imageFull(bound: 3), .noLoopDevice("why"), .noDriver("why"),
        .program("mkfs.btrfs", 1, "text"), .system("to do", failure),
        .notToHandOut("/srv/x", "is a file"), .limitInUse("/srv/x", 3),
        .limitBelowUse("/srv/x", asked: 1, used: 2),
    ]

    @Test(arguments: errors) func `every error of volumes has a code of the protocol`(error: VolumeError) {
        #expect(Refusal.Code(rawValue: error.code) != nil, "\(error.code)")
        let refusal = Refusal(error)
        #expect(refusal.code.rawValue == error.code && refusal.sentence == error.description)
    }

    @Test func `what is recorded of a volume of the host is read as it was written, and nothing else is`() {
        let record = HostVolumeRecord(path: "/srv/a b/数据", bytes: 1 << 40, stage: .ready, created: 5)
        #expect(HostVolumeRecord(record.text) == record)
        for text in [
            "", "corral volume 1\n", String(record.text.dropLast()), record.text + "\n",
            record.text.replacing("volume 1", with: "volume 2"), record.text.replacing("ready", with: "gone"),
            record.text.replacing("/srv", with: "srv"), record.text.replacing("bytes ", with: "bytes -"),
        ] {
            #expect(HostVolumeRecord(text) == nil, "\(text)")
        }
    }

    @Test func `a limit below use is told in numbers`() {
        let refusal = Refusal(VolumeError.belowUse(Self.name, "bytes", asked: 1, used: 2))
        #expect(refusal.limit == "bytes" && refusal.asked == "1" && refusal.allowed == "2")
    }

    @Test(arguments: [
        VolumeKey(.session, tenant: "alice", name: "1"), VolumeKey(.workspace, tenant: "bob", name: "w"),
        VolumeKey(.snapshot, tenant: "carol", name: "s"),
    ])
    func `a volume is called the same on both sides`(key: VolumeKey) {
        #expect(VolumeName(key).key == key && VolumeName(key).description == key.description)
    }

    @Test func `ceilings of volumes are read`() throws {
        var ceilings = Ceilings()
        #expect(ceilings.volumes == VolumePolicy() && !ceilings.volumes.allowSoft)
        try ceilings.set("volume", "2GiB")
        try ceilings.set("volumes", "7")
        try ceilings.set("volume-image", "1TiB")
        try ceilings.set("soft-volumes", "true")
        #expect(
            ceilings.volumes == VolumePolicy(bytes: 2 << 30, count: 7, image: 1 << 40, allowSoft: true))
        for (name, value) in [
            ("volume", "1KiB"), ("volume", "none"), ("volumes", "0"), ("volume-image", "255MiB"),
            ("soft-volumes", "yes"),
        ] {
            #expect(throws: ValueError.self, "\(name)=\(value)") { try ceilings.set(name, value) }
        }
    }

    @Test func `what is not settled is asked for less and less often`() {
        var agenda = VolumeAgenda()
        #expect(agenda.next == nil)
        agenda.settle(soon: 1000)
        var pauses: [UInt64] = []
        for _ in 0..<16 {
            guard let due = agenda.settle else { break }
            agenda.settled(isDone: false, due)
            if let next = agenda.settle { pauses.append(next - due) }
        }
        #expect(pauses.count == 16 && pauses == pauses.sorted() && pauses.last == VolumeAgenda.tendInterval)
        // A new removal does not wait for the old one.
        agenda.settle(soon: 2000)
        #expect((agenda.settle ?? .max) < 100_000_000)
        agenda.settled(isDone: true, 3000)
        #expect(agenda.settle == nil && agenda.next == nil)
    }
}

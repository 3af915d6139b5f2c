// Many operations on volumes at random, against a model of what there has to be; and an image without room.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

/// What a warden with volumes should have.
private struct VolumeModel {
    var workspaces: [String: UInt64] = [:]
    var snapshots: [String: UInt64] = [:]
    /// Which workspace a session has; nil for one of its own.
    var sessions: [SandboxID: String?] = [:]

    func isUsed(_ name: String) -> Bool { sessions.values.contains(name) }

    var keys: [VolumeKey] {
        let own = sessions.filter { $0.value == nil }.keys.map { VolumeKey(tenant: "alice", session: $0) }
        let kept = workspaces.keys.map { VolumeBench.workspace($0) }
        return (own + kept + snapshots.keys.map { VolumeBench.snapshot($0) })
            .sorted { $0.description < $1.description }
    }
}

@Suite(.serialized, .enabled(if: canMakeImages, "volumes need root, btrfs, loop devices and mkfs.btrfs"))
struct VolumeOperationsTests {
    private static let names = ["a", "b", "c"]

    private func step(
        _ bench: VolumeBench, _ model: inout VolumeModel, _ numbers: inout Seeded
    ) throws -> (WardenRequest, expected: Refusal.Code?) {
        let name = Self.names[Int(numbers.next() % 3)]
        let (key, snapshot) = (VolumeBench.workspace(name), VolumeBench.snapshot(name))
        let bytes = (numbers.next() % 8 + 1) * mebibyte
        let limits = VolumeAmounts(bytes: bytes)
        let (size, kept) = (model.workspaces[name], model.snapshots[name])
        let isUsed = model.isUsed(name)
        switch numbers.next() % 6 {
        case 0:
            if size == nil { model.workspaces[name] = bytes }
            return (.volumeCreate(VolumeOrder(key, limits: limits)), size == nil ? nil : .volumeExists)
        case 1:
            let code: Refusal.Code? = isUsed ? .volumeInUse : size == nil ? .volumeAbsent : nil
            if code == nil { model.workspaces[name] = nil }
            return (.volumeRemove(key), code)
        case 2:
            if size != nil { model.workspaces[name] = bytes }
            return (.volumeResize(key, limits), size == nil ? .volumeAbsent : nil)
        case 3:
            let code: Refusal.Code? = size == nil ? .volumeAbsent : kept == nil ? nil : .volumeExists
            if code == nil { model.snapshots[name] = size }
            return (.volumeSnapshot(key, as: snapshot), code)
        case 4:
            let code: Refusal.Code? = isUsed ? .volumeInUse : size == nil || kept == nil ? .volumeAbsent : nil
            return (.volumeRestore(key, from: snapshot), code)
        default:
            if kept != nil { model.snapshots[name] = nil }
            return (.volumeRemove(snapshot), kept == nil ? .volumeAbsent : nil)
        }
    }

    private func beginOrEnd(
        _ bench: VolumeBench, _ model: inout VolumeModel, _ numbers: inout Seeded
    ) throws {
        if model.sessions.count > 2, let id = model.sessions.keys.sorted().first {
            try bench.client.finish(id)
            model.sessions[id] = nil
            return
        }
        let id = freshID()
        let name = model.workspaces.keys.sorted().first { _ in numbers.next() % 2 == 0 }
        let order = name.map { VolumeOrder(VolumeBench.workspace($0)) } ?? VolumeBench.own(id)
        try bench.client.session(id, workspace: order)
        model.sessions.updateValue(name, forKey: id)
    }

    @Test(arguments: [UInt64(1), 2])
    func `after operations at random there is what there has to be`(seed: UInt64) throws {
        let bench = try VolumeBench()
        var numbers = Seeded(seed)
        var model = VolumeModel()
        for number in 0..<100 {
            if number % 10 == 9 {
                try beginOrEnd(bench, &model, &numbers)
                continue
            }
            let (request, expected) = try step(bench, &model, &numbers)
            let answer = try bench.client.ask(request)
            if case .refused(let refusal) = answer {
                #expect(refusal.code == expected, "\(number): \(request): \(refusal)")
            } else {
                #expect(expected == nil, "\(number): \(request) was done")
            }
        }
        #expect(try bench.list() == model.keys)
        for (name, bytes) in model.workspaces {
            #expect(try bench.state(.volumeInspect(VolumeBench.workspace(name))).limits.bytes == bytes)
        }
        for id in model.sessions.keys { try bench.client.finish(id) }
        for key in model.keys where key.kind != .session {
            #expect(try bench.client.ask(.volumeRemove(key)) == .done)
        }
        #expect(try bench.list() == [])
        #expect(try eventually { try bench.client.ask(.volumeForget(tenant: "alice")) == .done })
        // The file system's own, and the one that new volumes begin in.
        #expect(eventually { bench.quotaGroups().allSatisfy { $0 == "0_5" } }, "\(bench.quotaGroups())")
        let troubles = try bench.driver().troubles
        #expect(troubles == [])
        try bench.end()
    }

    @Test func `an image without room stops who writes, and the warden says why and goes on`() throws {
        let bench = try VolumeBench(["--ceiling", "volume=200MiB"])
        let (client, first, second) = (bench.client, freshID(), freshID())
        try client.session(first, workspace: VolumeBench.own(first))
        try client.session(second, workspace: VolumeBench.own(second))
        #expect(try bench.run(first, "dd if=/dev/zero of=f bs=1M count=185 conv=fsync").status == .exited(0))
        let full = try bench.run(second, "dd if=/dev/zero of=f bs=1M count=150 conv=fsync")
        #expect(full.status == .exited(1) && full.text.contains("No space left on device"), "\(full)")
        #expect(try eventually { try bench.driver().troubles.contains { $0.contains("cannot grow") } })
        #expect(try bench.code(.volumeCreate(VolumeOrder(VolumeBench.workspace("w")))) == .volumeImageFull)
        // Sessions without a volume are none the worse, and what the first one holds is there.
        let third = freshID()
        try client.session(third)
        #expect(try bench.run(third, "echo x >f && cat f").text == "x\n")
        try client.finish(third)
        #expect(try bench.run(first, "cmp -n 193986560 f /dev/zero && echo whole").text == "whole\n")
        try client.finish(second)
        try client.finish(first)
        // Their room comes back.
        #expect(
            try eventually {
                try bench.client.ask(.volumeCreate(VolumeOrder(VolumeBench.workspace("w")))).isVolume
            })
        try bench.end()
    }
}

extension WardenAnswer {
    fileprivate var isVolume: Bool { if case .volume = self { true } else { false } }
}

import CLinux
import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

/// Groups around groups, of the running kernel.
@Suite(
    .serialized,
    .enabled(if: Host.makesGroups, "needs root, and memory, pids and cpu controllers to write to"))
struct ParentGroupTests {
    private func shares(_ parent: ParentGroup) throws -> String {
        for hierarchy in parent.hierarchies where hierarchy.controllers.contains(.cpu) {
            let file = hierarchy.version == .v1 ? "cpu.shares" : "cpu.weight"
            let text = try hierarchy.top.readFile("\(parent.name)/\(file)")
            return String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
        return ""
    }

    @Test func `a group inside of another has its limits, and the other its weight`() throws {
        try withLayout { layout, mark in
            let parent = try ParentGroup.create(in: layout, name: "\(mark)-0-red")
            defer { try? parent.remove() }
            #expect(parent.setWeight(250).cpu == .inForce)
            #expect(try shares(parent) == (Host.hasV1 ? "2560" : "250"))
            var group = try SandboxGroup.create(in: layout, name: "\(mark)-1-a", below: parent)
            try group.setLimits(.small)
            let states = Set([Layer.memory, .swap, .pids, .cpu].map { group.layers[$0] ?? .off("") })
            #expect(states == [.inForce])
            #expect(try group.line("pids.max", .pids) == "8")
            let paths = layout.hierarchies.map { "\($0.path)/\(mark)-0-red/\(mark)-1-a" }
            #expect(paths.allSatisfy(exists))
            #expect(layout.hierarchies.allSatisfy { !exists("\($0.path)/\(mark)-1-a") })
            // Not while something is in it.
            #expect(throws: CgroupError.self) { try parent.remove() }
            try group.remove()
            try parent.remove()
            #expect(!hasGroups(layout, mark))
        }
    }

    @Test func `a weight is read from the kernel, and another one holds at once`() throws {
        try withLayout { layout, mark in
            let parent = try ParentGroup.create(in: layout, name: "\(mark)-0-red")
            defer { try? parent.remove() }
            for weight in [UInt32(1), 10_000, 100] {
                #expect(parent.setWeight(weight).cpu == .inForce)
                #expect(parent.look(weight).cpu == .inForce)
            }
            guard case .off(let why) = parent.look(101).cpu else {
                Issue.record("a weight that it has not is in force")
                return
            }
            #expect(why.contains(Host.hasV1 ? "cpu.shares is 1024 instead of 1034" : "cpu.weight is 100"))
        }
    }

    /// In seconds, what the groups have used so far.
    private func used(_ groups: [Held<SandboxGroup>]) throws -> [Double] {
        try groups.map { Double(try $0.value.cpuTime() ?? 0) / 1e6 }
    }

    /// What the first has beside all others together, while all are as busy as they can be on one processor.
    /// - Parameter groups: of each process.
    private func share(_ groups: [Held<SandboxGroup>]) throws -> Double {
        let children = try groups.map { group in
            try ShellChild(
                join + "exec taskset -c 0 sh -c 'while :; do :; done'", group.value.paths())
        }
        for child in children { try child.waitForOutput() }
        usleep(200_000)
        let before = try used(groups)
        let deadline = soon(milliseconds: 300_000)
        while clinux_boottime() < deadline {
            usleep(50_000)
            let after = zip(try used(groups), before).map { $0 - $1 }
            if after.reduce(0, +) < 1.5 { continue }
            return after[0] / after.reduce(0, +)
        }
        return -1
    }

    private func end(_ groups: [Held<SandboxGroup>]) throws {
        for group in groups {
            _ = group.value.kill()
            _ = try group.value.waitUntilEmpty(until: soon(milliseconds: 60_000))
            try group.value.remove()
        }
    }

    @Test func `beside a crowd of another's one gets half with groups around, and a small part without`()
        throws
    {
        try withLayout { layout, mark in
            let crowd = 6
            // Again where it is not what it should be: an emulated machine is given time by fits and starts, and
            // counts as its own what it did not get. No number of trials makes up for a weight that is not there.
            func measure(_ parents: [ParentGroup?], until expected: ClosedRange<Double>) throws -> Double {
                var found = 0.0
                for _ in 1...5 {
                    found = try measure(parents)
                    if expected.contains(found) { break }
                }
                return found
            }
            func measure(_ parents: [ParentGroup?]) throws -> Double {
                let groups = try (0...crowd).map { number in
                    let parent = parents[min(number, 1)]
                    let group = try SandboxGroup.create(
                        in: layout, name: "\(mark)-\(number + 2)-a", below: parent)
                    return Held(group)
                }
                defer { try? end(groups) }
                return try share(groups)
            }
            // The control: side by side each gets as much as any other.
            let without = try measure([nil, nil], until: 0.02...0.25)
            #expect((0.02...0.25).contains(without), "a seventh: \(without)")
            let parents = try ["red", "blue"].enumerated().map {
                try ParentGroup.create(in: layout, name: "\(mark)-\($0)-\($1)")
            }
            defer { for parent in parents { try? parent.remove() } }
            for parent in parents { parent.setWeight(100) }
            let with = try measure(parents, until: 0.35...0.65)
            #expect((0.35...0.65).contains(with), "a half: \(with)")
            parents[0].setWeight(300)
            let more = try measure(parents, until: 0.66...0.85)
            #expect((0.66...0.85).contains(more), "three quarters: \(more)")
        }
    }

    @Test func `what a dead one left is removed, inside first, and nothing of a live one`() throws {
        try withLayout { layout, mark in
            let path = "/tmp/\(mark)"
            _ = unsafe mkdir(path, 0o700)
            defer {
                _ = unsafe unlink("\(path)/slots")
                _ = unsafe rmdir(path)
            }
            let slots = SlotFile(in: try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
            let own = try slots.acquire(count: 100)
            let live = try slots.acquire(count: 100, startingAt: 5)
            let around = "\(mark)-around"
            let dead = try ParentGroup.create(in: layout, name: "\(around)-7-red")
            let alive = try ParentGroup.create(in: layout, name: "\(around)-\(live.number)-red")
            _ = try SandboxGroup.create(in: layout, name: "\(mark)-8-a", below: dead)
            let deadInLive = try SandboxGroup.create(in: layout, name: "\(mark)-9-b", below: alive)
            let liveInLive = try SandboxGroup.create(
                in: layout, name: "\(mark)-\(live.number)-c", below: alive)
            let swept = try layout.sweepLeftovers(
                slots: slots, own: own, marks: [mark], parents: around, asksAll: true)
            #expect(swept.removed == ["\(mark)-8-a", "\(mark)-9-b", "\(around)-7-red"].sorted())
            #expect(swept.remaining.isEmpty)
            #expect(!layout.hierarchies.contains { exists("\($0.path)/\(dead.name)") })
            let gone = deadInLive.paths()
            #expect(!gone.contains(where: exists))
            let stays = liveInLive.paths()
            #expect(stays.allSatisfy(exists))
            try liveInLive.remove()
            try alive.remove()
            #expect(!hasGroups(layout, mark))
        }
    }

    @Test func `a name that would lead elsewhere is refused`() throws {
        try withLayout { layout, mark in
            for name in ["\(mark)/../x", "..", "", "\(mark)\n"] {
                #expect(throws: CgroupError.badName(name)) {
                    _ = try ParentGroup.create(in: layout, name: name)
                }
            }
        }
    }
}

import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

@Suite struct GroupNameTests {
    @Test(arguments: [
        ("corral-run-0-a", 0, "a"), ("corral-run-17-4f-3c", 17, "4f-3c"),
        ("corral-run-32767-x", 32767, "x"),
    ])
    func `a group's name tells its slot`(name: String, slot: Int, id: String) {
        #expect(GroupName(name, mark: GroupName.mark) == GroupName(slot: slot, id: id))
        #expect(GroupName(slot: slot, id: id).description == name)
    }

    @Test(arguments: [
        "", "corral", "corral-run", "corral-run-", "corral-run-1", "corral-run-1-", "corral-run--a",
        "corral-run-+1-a", "corral-run-01-a", "corral-run--1-a", "corral-run-a-1", "Corral-run-1-a",
        "corral-walk-1-a", "corral-runs-1-a", "run-1-a", "corral-supervisor", "a-corral-run-1-a",
        "corral-run-99999999999999999999-a",
    ])
    func `other names are nobody's`(name: String) {
        #expect(GroupName(name, mark: GroupName.mark) == nil)
    }
}

@Suite(.enabled(if: Host.makesGroups, "needs root, and memory, pids and cpu controllers to write to"))
struct LeftoversTests {
    @Test func `a dead group is removed everywhere, a live one and a stranger's stay`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let live = try state.slots.acquire(count: 100, startingAt: 5)
            let stays = [state.name(live.number, "live"), "\(state.mark)-stranger", "\(state.mark)-7"]
            let dead = state.name(9, "dead")
            for name in stays + [dead] { try state.make(name) }
            let swept = try state.sweep(own: own).removed
            #expect(swept == [dead])
            let isAsExpected = state.holds(Set(stays))
            #expect(isAsExpected)
            // The sweep kept no lock.
            let ninth = try state.slots.acquire(count: 100, startingAt: 9).number
            #expect(ninth == 9)
        }
    }

    @Test func `leftovers at the top are found from below as well`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let dead = state.name(9, "dead")
            try state.make(dead)
            let below = CgroupLayout(hierarchies: [], elsewhere: state.layout.hierarchies)
            let swept = try below.sweepLeftovers(slots: state.slots, own: own, marks: [state.mark]).removed
            #expect(swept == [dead])
            let isGone = state.holds([])
            #expect(isGone)
        }
    }

    @Test func `groups of both marks are swept, since they take their slots from one file`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let live = try state.slots.acquire(count: 100, startingAt: 5)
            let other = "\(state.mark)b"
            let dead = [state.name(9, "a"), "\(other)-9-b"]
            let stays = "\(other)-\(live.number)-c"
            for slot in [9, live.number] { try state.note(slot) }
            for name in dead + [stays] { try state.makeOnly(name) }
            let swept = try state.layout.sweepLeftovers(
                slots: state.slots, own: own, marks: [state.mark, other]
            ).removed
            #expect(swept == dead)
            let isAsExpected = state.holds([stays])
            #expect(isAsExpected)
        }
    }

    @Test func `who stays asks about every slot with a note, however many there are`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let noted = Sweep.all + 8
            for slot in 10..<10 + noted { try state.note(slot) }
            let some = try state.sweep(own: own).asked
            let all = try state.layout.sweepLeftovers(
                slots: state.slots, own: own, marks: [state.mark], asksAll: true
            ).asked
            #expect(some == Sweep.few && all == noted - Sweep.few)
        }
    }

    /// As a Corral leaves them that sweeps by the notes and does not know the mark.
    @Test func `who stays finds groups whose notes were taken back`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let live = try state.slots.acquire(count: 100, startingAt: 5)
            _ = try state.sweep(own: own)
            let (dead, stays) = (state.name(9, "dead"), state.name(live.number, "live"))
            for name in [dead, stays, state.name(own.number, "own")] { try state.makeOnly(name) }
            let none = try state.sweep(own: own).removed
            #expect(none == [])
            let found = try state.layout.sweepLeftovers(
                slots: state.slots, own: own, marks: [state.mark], asksAll: true
            ).removed
            #expect(found == [dead, state.name(own.number, "own")].sorted())
            let isAsExpected = state.holds([stays])
            #expect(isAsExpected)
        }
    }

    @Test func `a group dies with the last copy of its slot's descriptor`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            var copy: CInt = -1
            do {
                let slot = try state.slots.acquire(count: 100, startingAt: 5)
                copy = try slot.lock.duplicate().release()
            }
            let name = state.name(5, "a")
            try state.make(name)
            let early = try state.sweep(own: own).removed
            #expect(early == [])
            close(copy)
            let late = try state.sweep(own: own).removed
            #expect(late == [name])
        }
    }

    @Test func `what an earlier holder of our own slot left is removed, what is ours is not`() throws {
        try withState { state in
            try state.make(state.name(0, "before"))
            let own = try state.slots.acquire(count: 100)
            let isNoted = own.isNoted
            #expect(isNoted)
            let before = state.name(own.number, "before")
            let now = state.name(own.number, "now")
            try state.make(now)
            let swept = try state.sweep(own: own, live: [now]).removed
            #expect(swept == [before])
            let isAsExpected = state.holds([now])
            #expect(isAsExpected)
        }
    }

    @Test func `a group that is left in one hierarchy only is found`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let name = state.name(3, "a")
            for hierarchy in state.layout.hierarchies {
                try state.note(3)
                try hierarchy.top.makeDirectory(name)
                let swept = try state.sweep(own: own).removed
                #expect(swept == [name])
            }
        }
    }

    @Test func `a group with a process in it stays, whoever holds its slot`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let name = state.name(3, "a")
            try state.note(3)
            let group = try SandboxGroup.create(in: state.layout, name: name, limits: .small)
            let child = try ShellChild(join + "exec sleep 100", group.paths())
            try child.waitForOutput()
            let early = try state.sweep(own: own).removed
            #expect(early == [])
            let isAsExpected = state.holds([name])
            #expect(isAsExpected)
            kill(child.pid, SIGKILL)
            _ = child.wait()
            let late = try state.sweep(own: own).removed
            #expect(late == [name])
        }
    }

    @Test func `nothing to sweep is nothing done`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            let first = try state.sweep(own: own)
            let second = try state.sweep(own: own)
            #expect(first == Sweep() && second == Sweep())
        }
    }

    @Test func `groups from before there were notes are found once, then only noted ones`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 100)
            for name in [state.name(3, "a"), state.name(own.number, "b")] { try state.makeOnly(name) }
            let first = try state.sweep(own: own)
            #expect(first.removed == [state.name(own.number, "b"), state.name(3, "a")].sorted())
            let unnoted = state.name(4, "c")
            try state.makeOnly(unnoted)
            let second = try state.sweep(own: own)
            #expect(second == Sweep())
            try state.note(4)
            let third = try state.sweep(own: own).removed
            #expect(third == [unnoted])
        }
    }

    /// What one launch pays must not grow with what runs: the kernel's own list of locks and the
    /// directories of groups do.
    @Test func `beside many live sandboxes few are asked, none is listed, and in turn all are`() throws {
        try withState { state in
            let own = try state.slots.acquire(count: 1000)
            _ = try state.sweep(own: own)
            var live: [Held<Slot>] = []
            for _ in 0..<200 {
                let slot = try state.slots.acquire(count: 1000, startingAt: 100)
                try slot.note(true)
                live.append(Held(slot))
            }
            let dead = state.name(250, "dead")
            // In the midst of the others.
            live.remove(at: 150)
            try state.make(dead)
            var removed: [[String]] = []
            // Once round 200 notes.
            for _ in 0..<200 / Sweep.few {
                let sweep = try state.sweep(own: own)
                #expect(sweep.asked <= Sweep.few)
                #expect(sweep.removed.isEmpty == (sweep.listed == 0))
                removed.append(sweep.removed)
            }
            #expect(removed.filter { !$0.isEmpty } == [[dead]])
            #expect(live.count == 199)
        }
    }
}

/// What a test of sweeping works with; all of it its own.
private struct State: ~Copyable {
    let layout: CgroupLayout
    let mark: String
    let slots: SlotFile

    func name(_ slot: Int, _ id: String) -> String { "\(mark)-\(slot)-\(id)" }

    /// Groups with their notes, as runs make them.
    func make(_ names: String...) throws {
        for name in names {
            if let slot = GroupName(name, mark: mark)?.slot { try note(slot) }
            try makeOnly(name)
        }
    }

    func makeOnly(_ name: String) throws {
        _ = try SandboxGroup.create(in: layout, name: name, limits: .small)
    }

    func note(_ slot: Int) throws {
        let probe = try slots.probe()
        try probe.note(true, of: slot)
    }

    func sweep(own: borrowing Slot, live: [String] = []) throws -> Sweep {
        try layout.sweepLeftovers(slots: slots, own: own, live: live, marks: [mark])
    }

    /// Each hierarchy has these groups of ours, and no others.
    func holds(_ names: Set<String>) -> Bool { groups(layout, mark).allSatisfy { $0 == names } }
}

private func withState(_ body: (borrowing State) throws -> Void) throws {
    try withLayout { layout, mark in
        let path = "/tmp/\(mark)"
        _ = unsafe mkdir(path, 0o700)
        defer {
            _ = unsafe unlink("\(path)/slots")
            _ = unsafe rmdir(path)
        }
        let slots = SlotFile(in: try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
        try body(State(layout: layout, mark: mark, slots: slots))
    }
}

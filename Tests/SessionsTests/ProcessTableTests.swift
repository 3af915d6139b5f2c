import Sandbox
import Testing

@testable import Sessions

@Suite struct ProcessTableTests {
    private func machine(_ name: String? = nil) throws -> ProcessMachine {
        ProcessMachine(ProcessSpec(kind: .managed, name: try name.map { try Name($0) }), at: 1)
    }

    private func end(_ id: ProcessID, in table: inout ProcessTable) {
        _ = table.handle(.stop(Stop()), for: id, at: 5)
    }

    @Test func `a process is found by its id, its name and the beginning of its id`() throws {
        var table = ProcessTable()
        let (first, second) = (ProcessID(value: 0xA1 << 56), ProcessID(value: 0xA2 << 56))
        try table.add(first, machine("web"), limit: 4)
        try table.add(second, machine(), limit: 4)
        for text in ["web", "a1", first.description] { #expect(try table.find(text) == first) }
        #expect(throws: TableError.ambiguousProcess("a", candidates: [first, second])) { try table.find("a") }
        #expect(throws: TableError.unknownProcess("db")) { try table.find("db") }
        #expect(table[second]?.state == .requested && table[ProcessID(value: 3)] == nil)
    }

    @Test func `names and room are free again when a process has ended`() throws {
        var table = ProcessTable()
        let ids = (1...3).map { ProcessID(value: $0) }
        try table.add(ids[0], machine("web"), limit: 2)
        #expect(throws: try TableError.processNameTaken(Name("web"), by: ids[0])) {
            try table.add(ids[1], machine("web"), limit: 2)
        }
        try table.add(ids[1], machine(), limit: 2)
        #expect(throws: TableError.tooManyProcesses(limit: 2)) { try table.add(ids[2], machine(), limit: 2) }
        #expect(throws: TableError.processIDTaken(ids[1])) { try table.add(ids[1], machine(), limit: 9) }
        #expect(table.remove(ids[0]) == false)
        end(ids[0], in: &table)
        try table.add(ids[2], machine("web"), limit: 2)
        #expect(try table.find("web") == ids[2])
        #expect(table.remove(ids[0]) == true)
        #expect(table.all.map(\.id) == [ids[1], ids[2]])
        #expect(table.liveCount == 2)
    }

    @Test func `serial processes wait for those before them, and others for nobody`() throws {
        var table = ProcessTable()
        let ids = (1...5).map { ProcessID(value: $0) }
        for (id, isSerial) in zip(ids, [true, false, true, true, false]) {
            let spec = ProcessSpec(kind: .exec, isSerial: isSerial)
            try table.add(id, ProcessMachine(spec, at: 1), limit: 9)
        }
        #expect(table.startable == [ids[0], ids[1], ids[4]])
        for id in table.startable { _ = table.handle(.start, for: id, at: 2) }
        #expect(table.startable == [])
        // Also one that gives up while it waits makes room.
        end(ids[2], in: &table)
        #expect(table.startable == [])
        _ = table.handle(.exited(ProcessExit(.exited(0), at: 3)), for: ids[0], at: 3)
        #expect(table.startable == [ids[3]])
    }

    @Test func `the oldest results are forgotten first, and nothing that lives`() throws {
        var table = ProcessTable()
        let ids = (1...5).map { ProcessID(value: $0) }
        for id in ids { try table.add(id, machine(), limit: 9) }
        for id in ids.dropFirst() { end(id, in: &table) }
        #expect(table.forgetEnded(keeping: 9) == [])
        #expect(table.forgetEnded(keeping: 2) == [ids[1], ids[2]])
        #expect(table.all.map(\.id) == [ids[0], ids[3], ids[4]])
        #expect(table.forgetEnded(keeping: 0) == [ids[3], ids[4]])
        #expect(table.liveCount == 1)
    }

    @Test func `a session's processes are changed in their place`() throws {
        var table = SessionTable(limit: 1)
        let id = SessionID(value: 1)
        _ = try table.add(SessionSpec(profile: "default"), id: id, at: 1)
        for value in 1...2 as ClosedRange<UInt64> {
            let process = try machine("p\(value)")
            let done: Void? = try table.withProcesses(of: id) { (processes) throws(TableError) in
                try processes.add(ProcessID(value: value), process, limit: 2)
            }
            #expect(done != nil)
        }
        #expect(throws: TableError.tooManyProcesses(limit: 2)) {
            let process = try machine()
            _ = try table.withProcesses(of: id) { (processes) throws(TableError) in
                try processes.add(ProcessID(value: 3), process, limit: 2)
            }
        }
        #expect(table[id]?.processes.count == 2)
        #expect(table.withProcesses(of: SessionID(value: 2)) { $0.count } == nil)
    }
}

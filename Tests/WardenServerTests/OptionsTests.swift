import Testing
import WardenProtocol

@testable import Warden

@Suite struct WardenOptionsTests {
    @Test func `all options are taken`() throws {
        let options = try WardenOptions([
            "--socket", "/run/corral/warden.sock", "--allow-uid", "990", "--state", "/var/lib/corral",
            "--ceiling", "sessions=100", "--ceiling", "limits.memory=1GiB=x", "--profiles", "/b",
            "--profiles",
            "/a", "--uids", "300000-300999", "--ready-networks", "3",
        ])
        #expect(options.profiles == ["/b", "/a"] && options.ids == 300_000...300_999)
        #expect(options.readyNetworks == 3)
        #expect(try WardenOptions(["--socket-fd", "3"]).readyNetworks == NetworkPool.most)
        #expect(options.socket == .path("/run/corral/warden.sock"))
        #expect(options.allowedUID == 990)
        #expect(options.state == "/var/lib/corral")
        #expect(options.ceilings.map(\.key) == ["sessions", "limits.memory"])
        #expect(options.ceilings.map(\.value) == ["100", "1GiB=x"])
        #expect(try WardenOptions(["--socket-fd", "3"]).socket == .descriptor(3))
    }

    @Test(arguments: [
        ([], "--socket is missing\n" + WardenOptions.usage), (["--socket"], "--socket needs a value"),
        (["--socket", ""], "--socket needs a value"),
        (["--socket-fd", "-1"], "--socket-fd must be a number up to 1048576, not -1"),
        (["--socket", "a", "--socket-fd", "3"], "one of --socket and --socket-fd, once"),
        (
            ["--socket", "a", "--allow-uid", "root"],
            "--allow-uid must be a number up to 4294967294, not root"
        ),
        (["--socket", "a", "--ceiling", "=1"], "--ceiling must be KEY=VALUE"),
        (["--socket", "a", "--profiles", "b"], "--profiles must be an absolute path, not b"),
        (["--socket", "a", "--uids", "9-5"], "--uids must be FIRST-LAST, not 9-5"),
        (["--socket", "a", "--uids", "5"], "--uids must be FIRST-LAST, not 5"),
        (
            ["--socket", "a", "--ready-networks", "9"],
            "--ready-networks must be a number up to 8, not 9"
        ),
        (["--socket", "a", "--verbose"], "unknown option --verbose\n" + WardenOptions.usage),
    ])
    func `what is not understood is named`(words: [String], sentence: String) {
        #expect(throws: WardenOptions.Problem(description: sentence)) { try WardenOptions(words) }
    }
}

@Suite struct MountRoomTests {
    @Test func `mounts that launches do not need go, the last one first`() {
        let points = [
            "/", "/proc", "/proc/sys/fs/binfmt_misc", "/run", "/run/user/1000", "/sys/fs/cgroup", "/home",
            "/var", "/var/lib/docker/overlay2/x/merged", "/srv/images", "/srv/images2", "/usr",
        ]
        let needless = MountRoom.needless(points, kept: MountRoom.trees + ["/srv/images"])
        #expect(
            needless == ["/srv/images2", "/var/lib/docker/overlay2/x/merged", "/home", "/run/user/1000"])
    }
}

@Suite struct DescriptorBudgetTests {
    @Test func `an order that does not fit is refused with the limit and takes nothing`() throws {
        var budget = DescriptorBudget(hardLimit: DescriptorBudget.reserve + 10)
        try budget.take(8, for: "a session")
        let refusal = #expect(throws: Refusal.self) { try budget.take(3, for: "a process") }
        #expect(refusal?.code == .descriptors)
        #expect(refusal?.asked == "11" && refusal?.allowed == "10")
        try budget.take(2, for: "a process")
        budget.give(back: 10)
        #expect(budget.used == 0)
    }

    @Test func `a session with one process takes at most 8 descriptors`() {
        for streams in [
            ProcessOrder.Streams.pipes(.pipe), .pipes(.none), .terminal(.init(columns: 1, rows: 1)),
        ] {
            #expect(DescriptorBudget.session + Streams.count(for: streams) <= 8)
        }
    }
}

@Suite struct CustodyTableTests {
    private func table(_ processes: [Int]) -> CustodyTable {
        var table = CustodyTable()
        for (index, count) in processes.enumerated() {
            let id = SandboxID(UInt64(index + 1))
            let session = KeptSession(SessionOrder(id: id, profile: "default"), began: 0)
            for number in 0..<count {
                let key = ProcessKey(id, UInt64(number))
                session.processes[key.process] = KeptProcess(key, began: 0, cost: 0)
            }
            table.add(session)
        }
        return table
    }

    /// All pages of a table, as ids.
    private func pages(_ table: CustodyTable, limit: Int) -> [[UInt64]] {
        var (found, after): ([[UInt64]], SandboxID?) = ([], nil)
        repeat {
            let page = table.page(after: after, limit: limit)
            found.append(page.sessions.map(\.id.value))
            after = page.next
        } while after != nil
        return found
    }

    @Test func `pages hold every session once, in order, and keep a session whole`() {
        #expect(pages(table([]), limit: 4) == [[]])
        #expect(pages(table([1, 1, 1]), limit: 4) == [[1, 2], [3]])
        #expect(pages(table([9, 0, 9]), limit: 4) == [[1], [2], [3]])
        #expect(pages(table([1, 1]), limit: 4) == [[1, 2]])
        #expect(pages(table(Array(repeating: 0, count: 200)), limit: 64).map(\.count) == [64, 64, 64, 8])
    }

    @Test func `what is not there is refused by name`() throws {
        let table = table([1])
        #expect(try table.process(ProcessKey(SandboxID(1), 0)).key.process == 0)
        let session = #expect(throws: Refusal.self) { try table.session(SandboxID(7)) }
        #expect(session?.code == .unknownSession && session?.sentence.contains("0000000000000007") == true)
        let process = #expect(throws: Refusal.self) { try table.process(ProcessKey(SandboxID(1), 4)) }
        #expect(process?.code == .unknownProcess)
    }
}

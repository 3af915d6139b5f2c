import Glibc
import Quotas
import TestSupport
import Testing
import Wire

/// What a tenant's volumes may hold together: kept to by the daemon before one is made, and by the kernel in all that
/// is written.
@Suite(.serialized, VolumeHost.trait) struct DiskQuotaTests {
    private static let mebibyte = 1 << 20

    private func set(_ shared: SharedDaemon, _ disk: Int?, of tenant: String = "red") throws {
        let body = #"{"limits":{"disk":\#(disk.map(String.init) ?? "null")}}"#
        let answer = try shared.call(nil, "POST", "/v1/tenants/\(tenant)/quotas", body)
        try #require(answer.status == 200, "\(answer.text)")
    }

    private func entry(_ shared: SharedDaemon, of tenant: String = "red") throws -> JSONTree? {
        let tables = try shared.call(nil, "GET", "/v1/quotas?tenant=\(tenant)").json?["tenants"]?.list
        return tables?.first?["quotas"]?.list.first { $0["quota"]?.text == "disk" }
    }

    /// What is taken, in MiB.
    private func used(_ shared: SharedDaemon, of tenant: String = "red") throws -> Int {
        (Int(try entry(shared, of: tenant)?["used"]?.text ?? "") ?? -1) / Self.mebibyte
    }

    /// - Parameter size: in MiB.
    private func workspace(_ shared: SharedDaemon, _ name: String, _ size: Int) throws -> SharedDaemon.Answer
    {
        try shared.call(
            SharedDaemon.red, "POST", "/v1/workspaces", #"{"name":"\#(name)","bytes":\#(size << 20)}"#)
    }

    private func change(
        _ shared: SharedDaemon, _ method: String, _ path: String, _ body: String? = nil
    ) throws -> SharedDaemon.Answer {
        try shared.call(SharedDaemon.red, method, "/v1/workspaces/\(path)", body)
    }

    private func expectRefused(_ answer: SharedDaemon.Answer, _ text: String) {
        #expect(answer.status == 429 && answer.text.contains("quota-disk"), "\(answer.text)")
        #expect(answer.text.contains(text), "\(answer.text)")
    }

    // MARK: Taking and giving back

    @Test func `volumes of every kind are taken before they are made, and given back once`() throws {
        let shared = try SharedDaemon()
        try set(shared, 64 << 20)
        #expect(try workspace(shared, "data", 24).status == 201)
        let session = try shared.session(SharedDaemon.red, #"{"quota":{"bytes":16777216}}"#)
        #expect(try used(shared) == 40)
        expectRefused(
            try workspace(shared, "more", 25),
            "tenant red may have 64MiB of disk, has 40MiB and was asked for 25MiB more")
        let large = #"{"quota":{"bytes":33554432}}"#
        expectRefused(try shared.call(SharedDaemon.red, "POST", "/v1/sessions", large), "has 40MiB")
        // Nobody else's are counted, nor refused.
        let others = try shared.session(SharedDaemon.blue, #"{"quota":{"bytes":134217728}}"#)
        #expect(try used(shared) == 40)
        // A snapshot may come to hold what its workspace may.
        #expect(try change(shared, "POST", "data/snapshots", #"{"name":"one"}"#).status == 201)
        #expect(try used(shared) == 64)
        expectRefused(try change(shared, "POST", "data/snapshots", #"{"name":"two"}"#), "has 64MiB")
        expectRefused(try change(shared, "POST", "data/fork", #"{"name":"copy"}"#), "has 64MiB")
        expectRefused(try change(shared, "POST", "data/resize", #"{"bytes":25165825}"#), "has 64MiB")
        #expect(try change(shared, "POST", "data/resize", #"{"bytes":8388608}"#).status == 200)
        #expect(try used(shared) == 48)
        #expect(try change(shared, "POST", "data/fork", #"{"name":"copy"}"#).status == 201)
        #expect(try used(shared) == 56)
        #expect(try change(shared, "POST", "data/restore", #"{"snapshot":"one"}"#).status == 200)
        #expect(try used(shared) == 56)
        // Counted from the records by the next daemon.
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try used(shared) == 56)
        expectRefused(try workspace(shared, "more", 9), "has 56MiB")
        for _ in 0..<2 { _ = try shared.call(SharedDaemon.red, "DELETE", "/v1/sessions/\(session)?force") }
        #expect(try used(shared) == 40)
        for _ in 0..<2 { _ = try change(shared, "DELETE", "copy") }
        #expect(try used(shared) == 32)
        #expect(try change(shared, "DELETE", "data/snapshots/one").status == 204)
        #expect(try used(shared) == 8)
        #expect(try change(shared, "DELETE", "data").status == 204)
        #expect(try used(shared) == 0)
        #expect(try workspace(shared, "all", 64).status == 201)
        _ = try shared.call(SharedDaemon.blue, "DELETE", "/v1/sessions/\(others)?force")
    }

    @Test func `what fails takes nothing`() throws {
        let shared = try SharedDaemon()
        try set(shared, 2 << 30)
        #expect(try workspace(shared, "data", 8).status == 201)
        // There is one; more than the operator allows, which the warden refuses; more than can be counted.
        #expect(try workspace(shared, "data", 8).status == 409)
        #expect(try workspace(shared, "big", 1100).status == 403)
        let most = #"{"name":"most","bytes":18446744073709551615}"#
        #expect(try shared.call(SharedDaemon.red, "POST", "/v1/workspaces", most).status >= 400)
        #expect(try change(shared, "POST", "data/resize", #"{"bytes":1181116006}"#).status == 403)
        #expect(try change(shared, "POST", "data/fork", #"{"name":"f","snapshot":"none"}"#).status == 404)
        #expect(try change(shared, "POST", "none/snapshots", #"{"name":"s"}"#).status == 404)
        let session = #"{"image":"no-such-image","quota":{"bytes":1048576}}"#
        #expect(try shared.call(SharedDaemon.red, "POST", "/v1/sessions", session).status >= 400)
        let huge = #"{"quota":{"bytes":18446744073709551615}}"#
        #expect(try shared.call(SharedDaemon.blue, "POST", "/v1/sessions", huge).status >= 400)
        #expect(try used(shared) == 8 && used(shared, of: "blue") == 0)
        // A key that made a workspace makes no second one, and takes nothing for it.
        let keyed = #"{"name":"keyed","bytes":8388608,"idempotency_key":"k"}"#
        for status in [201, 200] {
            #expect(try shared.call(SharedDaemon.red, "POST", "/v1/workspaces", keyed).status == status)
        }
        #expect(try used(shared) == 16)
    }

    /// Random requests, some of which are refused or cut off by the death of the daemon: what is taken is always what
    /// there is.
    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `after random requests and deaths what is taken is what there is`(seed: UInt64) throws {
        var random = Seeded(seed)
        let shared = try SharedDaemon()
        try set(shared, 48 << 20)
        for step in 0..<30 {
            let name = ["a", "b", "c"].randomElement(using: &random) ?? "a"
            let size = UInt64.random(in: 1...24, using: &random) << 20
            let answer: SharedDaemon.Answer
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1: answer = try workspace(shared, name, Int(size >> 20))
            case 2: answer = try change(shared, "POST", "\(name)/resize", #"{"bytes":\#(size)}"#)
            case 3: answer = try change(shared, "POST", "\(name)/snapshots", #"{"name":"s\#(step)"}"#)
            case 4: answer = try change(shared, "DELETE", "\(name)?snapshots")
            case 5: answer = try change(shared, "POST", "\(name)/fork", #"{"name":"d"}"#)
            default:
                let body = #"{"name":"\#(name)x","bytes":\#(size)}"#
                let client = try Program(
                    shared.daemon.curl("POST", "/v1/workspaces?tenant=red", body)
                ).start()
                usleep(.random(in: 0...20_000, using: &random))
                try shared.daemon.kill()
                _ = try client.wait(timeout: 60)
                try shared.daemon.startAgain()
                continue
            }
            #expect(answer.status < 500, "step \(step): \(answer.text)")
            let list =
                try shared.call(nil, "GET", "/v1/workspaces?tenant=red").json?["workspaces"]?.list ?? []
            var sum: UInt64 = 0
            for item in list {
                // Of what was cut off the next daemon makes an end by and by.
                guard item["state"]?.text == "ready" else { continue }
                sum += UInt64(item["bytes"]?.text ?? "") ?? 0
            }
            let isSettled = list.allSatisfy { $0["state"]?.text == "ready" }
            let taken = UInt64(try entry(shared)?["used"]?.text ?? "") ?? 0
            #expect(taken <= 48 << 20 && sum <= taken, "step \(step)")
            if isSettled, list.allSatisfy({ $0["snapshots"]?.text == "0" }) {
                #expect(taken == sum, "step \(step)")
            }
        }
        expectRefused(try workspace(shared, "e", 49), "was asked for 49MiB more")
        for name in ["a", "b", "c", "d", "ax", "bx", "cx"] {
            #expect(
                try eventually {
                    let status = try change(shared, "DELETE", "\(name)?snapshots").status
                    return status == 204 || status == 404
                })
        }
        #expect(try used(shared) == 0)
    }

    // MARK: The kernel

    /// Writes until nothing more goes in, and tells how many bytes that was and of which kind the refusal.
    private func fill(_ shared: SharedDaemon, _ uid: UInt32, _ id: String, _ file: String) throws -> (
        Int, Bool
    ) {
        let shell =
            "dd if=/dev/zero of=\(file) bs=64k count=2048 conv=fsync 2>&1 | grep -c 'quota exceeded'; "
            + "stat -c %s \(file) 2>/dev/null || echo 0"
        let body = JSONText.object { $0.add("shell", shell) }.description
        let answer = try shared.call(uid, "POST", "/v1/sessions/\(id)/exec", body)
        let text = TestDaemon.Answer(status: answer.status, bytes: Array(answer.text.utf8)).decoded("stdout")
        let lines = text.split(separator: "\n")
        try #require(lines.count == 2, "\(answer.text)")
        return (Int(lines[1]) ?? 0, lines[0] == "1")
    }

    @Test func `two sessions of a tenant stop together at its total, while another tenant's goes on`() throws
    {
        let shared = try SharedDaemon()
        let own = #"{"quota":{"bytes":67108864}}"#
        let (one, two) = (
            try shared.session(SharedDaemon.red, own), try shared.session(SharedDaemon.red, own)
        )
        let other = try shared.session(SharedDaemon.blue, own)
        // The control: without a total the first one may have more than that on its own.
        let (alone, isRefused) = try fill(shared, SharedDaemon.red, one, "a")
        #expect(isRefused && alone > 60 << 20 && alone <= 64 << 20, "\(alone)")
        #expect(try entry(shared)?["state"]?.text == "no limit")
        // Less than the two were given, as an operator may say at any time: what is written is what counts.
        try set(shared, 80 << 20)
        #expect(try entry(shared)?["state"]?.text == "in force", "\(shared.daemon.program.errorsSoFar)")
        let (second, isStopped) = try fill(shared, SharedDaemon.red, two, "a")
        #expect(isStopped)
        #expect(alone + second <= 80 << 20 && alone + second > 76 << 20, "\(alone) + \(second)")
        let (more, isStoppedAgain) = try fill(shared, SharedDaemon.red, one, "b")
        #expect(isStoppedAgain && more < 1 << 20)
        let (others, _) = try fill(shared, SharedDaemon.blue, other, "a")
        #expect(others > 60 << 20, "\(others)")
        // Corrald's death changes nothing of that; and a total that is lifted is lifted in the kernel.
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try entry(shared)?["state"]?.text == "in force")
        #expect(try fill(shared, SharedDaemon.red, two, "b").0 < 1 << 20)
        try set(shared, nil)
        #expect(try fill(shared, SharedDaemon.red, two, "c").0 > 32 << 20)
    }

    @Test func `a total is in force before the first volume, and after the death of the warden`() throws {
        let shared = try SharedDaemon()
        try set(shared, 32 << 20)
        // No image is made for a number.
        #expect(!File.exists("\(shared.daemon.state)/warden/volumes"))
        #expect(try entry(shared)?["state"]?.text == "in force")
        for round in 0..<2 {
            let id = try shared.session(SharedDaemon.red, #"{"quota":{"bytes":25165824}}"#)
            try set(shared, 16 << 20)
            let (written, isRefused) = try fill(shared, SharedDaemon.red, id, "a")
            #expect(isRefused && written <= 16 << 20 && written > 12 << 20, "\(written)")
            try set(shared, 32 << 20)
            if round == 1 { continue }
            let warden = try #require(shared.daemon.warden)
            #expect(Glibc.kill(warden, SIGKILL) == 0)
            // A corrald that cannot start a warden itself ends, and is started again with one.
            _ = try shared.daemon.exitStatus()
            try shared.daemon.startAgain()
            #expect(try eventually { try used(shared) == 0 })
        }
    }

    @Test func `events tell of 80 and of 95 percent, and the command line shows and sets it`() throws {
        let shared = try SharedDaemon()
        func corral(_ words: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral")] + words,
                environment: Program.environment.merging(["CORRAL_SOCKET_PATH": shared.daemon.socket]) { $1 })
        }
        #expect(try corral("quota", "set", "red", "disk=20MiB").output == "red\n")
        for (name, size) in [("a", 8), ("b", 8), ("c", 3)] {
            #expect(try workspace(shared, name, size).status == 201)
        }
        let shown = try corral("quota", "show", "--tenant", "red")
        let line = shown.output.split(separator: "\n").first { $0.contains(" disk ") } ?? ""
        #expect(
            line.contains("19MiB") && line.contains("20MiB") && line.contains("in force"), "\(shown.output)")
        let events = try shared.call(
            nil, "GET", "/v1/events?since=2020-01-01T00:00:00Z&tenant=red", seconds: 3
        ).text
        let told = events.split(separator: "\n").filter {
            $0.contains("tenant.quota") && $0.hasPrefix("data")
        }
        #expect(told.count == 2, "\(told)")
        #expect(told.first?.contains("80 percent of disk are used: 16MiB of 20MiB") == true)
        #expect(told.last?.contains("95 percent of disk are used: 19MiB of 20MiB") == true)
        for wrong in ["disk=0", "disk=-1", "disk=1KiB", "disk=much"] {
            #expect(try corral("quota", "set", "red", wrong).status != 0, "\(wrong)")
        }
    }

    @Test func `where nothing enforces it, it is shown as not in force, with the reason`() throws {
        let daemon = try TestDaemon(["--set", "volumes.limits=wished"], wrapper: VolumeHost.withoutMaker)
        func disk() throws -> JSONTree? {
            try daemon.call("GET", "/v1/quotas")["tenants"]?.list.first?["quotas"]?.list.first {
                $0["quota"]?.text == "disk"
            }
        }
        let limits = #"{"limits":{"disk":4194304}}"#
        #expect(try daemon.call("POST", "/v1/tenants/default/quotas", limits).status == 200)
        #expect(
            try eventually {
                _ = try daemon.call("GET", "/v1/info")
                return try disk()?["state"]?.text == "not in force"
            })
        #expect(try disk()?["reason"]?.text?.isEmpty == false)
        // What is given is counted all the same.
        try daemon.workspace("a", bytes: 3 << 20, #","soft":true"#)
        #expect(try disk()?["state"]?.text == "not in force" && disk()?["used"]?.text == "\(3 << 20)")
        #expect(try disk()?["reason"]?.text?.isEmpty == false)
        let refused = try daemon.call("POST", "/v1/workspaces", #"{"name":"b","bytes":2097152,"soft":true}"#)
        #expect(refused.status == 429 && refused.reason == "quota-disk", "\(refused.message)")
        let wide = try Program.run(
            [Product.path("corral"), "quota", "show", "-o", "wide"],
            environment: Program.environment.merging(["CORRAL_SOCKET_PATH": daemon.socket]) { $1 })
        #expect(wide.output.contains("not in force") && wide.output.contains("WHY"), "\(wide.output)")
    }
}

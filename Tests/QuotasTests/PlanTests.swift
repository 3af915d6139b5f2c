import Sandbox
import Sessions
import Testing

@testable import Quotas

/// Plans as files say them.
@Suite struct PlanTests {
    /// Files by name; of one name, the first directory's first.
    private func library(_ files: KeyValuePairs<String, String>) -> PlanLibrary {
        let texts = files.map { (name: $0.key, text: $0.value) }
        return PlanLibrary(
            find: { (name, place) throws(PlanUnreadable) in
                for (index, file) in texts.enumerated() where file.name == name && index >= place {
                    return PlanText(
                        called: "\(index)/\(name).yaml", bytes: Array(file.text.utf8), place: index + 1)
                }
                return nil
            },
            names: { texts.map(\.name) }, profiles: { ["default", "offline", "offline_readonly"] })
    }

    private func problem(_ name: String, _ files: KeyValuePairs<String, String>) -> String {
        do throws(PlanProblem) {
            return "no problem: \(try library(files).plan(name))"
        } catch {
            return error.description
        }
    }

    @Test func `a file says profiles, locks, limits and quotas`() throws {
        let plan = try library([
            "free": """
            description: for free
            profiles: [offline_readonly, offline]
            locked: [image, limits]
            limits: {memory: 256MiB, cpus: 0.5}
            quotas: {execs_per_day: 10, sessions: none}
            weight: 40
            """
        ]).plan("free")
        #expect(plan.name == "free" && plan.description == "for free")
        #expect(plan.profiles == .only(["offline_readonly", "offline"]))
        #expect(plan.profiles.allows("offline") && !plan.profiles.allows("default"))
        #expect(plan.memory == 256 << 20 && plan.milliCPUs == 500)
        #expect(plan.quotas == [.execsPerDay: 10] && plan.weight == 40)
        #expect(plan.lockOrigin(of: ProfileField(.memory)) == "0/free.yaml:3")
        #expect(plan.lockOrigin(of: ProfileField(.ttl)) == nil)
        #expect(plan.profile(usual: "default") == "offline_readonly")
        #expect(plan.profile(usual: "offline") == "offline")
    }

    @Test func `what a quota may be is said as somebody would write it`() {
        func said(_ quota: Quota, _ text: String) -> String {
            do throws(ValueError) {
                return try quota.rule.readOrNone(text).map { "\($0)" } ?? "no limit"
            } catch {
                return error.problem
            }
        }
        #expect(said(.cpuTimePerDay, "1ms").hasSuffix("is too small; expected 1s to 393216h, or none"))
        #expect(said(.cpuTimePerDay, "400000h").hasSuffix("is too large; expected 1s to 393216h, or none"))
        #expect(said(.cpuTimePerDay, "393216h") == "\(Quota.cpus.rule.range.upperBound * 86_400)")
        #expect(said(.execsPerDay, "0").hasSuffix("expected 1 to 1000000000, or none"))
        #expect(said(.cpuTimePerDay, "none") == "no limit")
        for quota in Quota.allCases {
            #expect(quota.rule.write(quota.rule.range.upperBound).utf8.count <= 10, "\(quota)")
        }
    }

    @Test func `a plan that extends another has what it does not say itself, and all locks`() throws {
        let files: KeyValuePairs<String, String> = [
            "more":
                "extends: free\nquotas: {execs_per_day: none, sessions: 4}\nlimits: {cpus: none}\nlocked: [env]\n",
            "free":
                "profiles: any\nlocked: [image]\nlimits: {memory: 64MiB, cpus: 1}\nquotas: {execs_per_day: 10}\n",
        ]
        #expect(problem("more", files).contains(#"0/more.yaml:4:10: locked[0]: "env" is not a key"#))
        let plan = try library([
            "more":
                "extends: free\nquotas: {execs_per_day: none, sessions: 4}\nlimits: {cpus: none}\nlocked: [environment]\n",
            "free":
                "profiles: any\nlocked: [image]\nlimits: {memory: 64MiB, cpus: 1}\nquotas: {execs_per_day: 10}\n",
        ]).plan("more")
        #expect(plan.profiles == .any && plan.quotas == [.sessions: 4])
        #expect(plan.memory == 64 << 20 && plan.milliCPUs == nil)
        #expect(plan.locks.map(\.path) == ["image", "environment"])
        #expect(plan.files == ["0/more.yaml", "1/free.yaml"])
    }

    @Test func `a file that extends its own name means the one that it stands in front of`() throws {
        let plan = try library([
            "free": "extends: free\nlimits: {memory: 32MiB}\n", "free": "profiles: [default]\n",
        ]).plan("free")
        #expect(plan.memory == 32 << 20 && plan.profiles == .only(["default"]))
        #expect(
            problem("free", ["free": "extends: free\nprofiles: any\n"]).contains("there is no plan \"free\""))
    }

    @Test func `a circle is refused, and its way is named`() {
        #expect(
            problem("a", ["a": "extends: b\n", "b": "extends: c\n", "c": "extends: a\nprofiles: any\n"])
                == "2/c.yaml:1:10: extends: leads in a circle: 0/a.yaml:1 -> 1/b.yaml:1 -> 2/c.yaml:1 -> 0/a.yaml"
        )
    }

    @Test func `an unknown profile is named, with its plan and its place`() {
        let said = problem("free", ["free": "description: x\nprofiles: [default, ofline]\n"])
        #expect(
            said == """
                0/free.yaml:2:21: profiles[1]: the plan free names the profile "ofline", which there is not; \
                did you mean offline?
                """)
        let base = problem("more", ["more": "extends: free\n", "free": "profiles: [nothing_like_it]\n"])
        #expect(base.contains("1/free.yaml:1:12") && base.contains("the plan free names the profile"))
        // What does not hold need not be there.
        #expect(
            problem("more", ["more": "extends: free\nprofiles: any\n", "free": "profiles: [gone]\n"])
                .hasPrefix("no problem"))
    }

    @Test(arguments: [
        ("profils: any\n", "0/p.yaml:1:1: profils: is not a key here; did you mean profiles?"),
        ("profiles: any\nquotas: {sessions: 0}\n", "0/p.yaml:2:20: quotas.sessions: \"0\" is too small"),
        ("profiles: any\nquotas: {sessions: -1}\n", "must not be negative"),
        ("profiles: any\nquotas: {nothing: 1}\n", "0/p.yaml:2:10: quotas.nothing: is not a key here"),
        (
            "profiles: any\nquotas: {relay_bytes_per_hour: 1GiB}\n",
            "quotas.relay_bytes_per_hour: cannot be set: nothing counts it yet"
        ),
        ("profiles: any\nlimits: {memory: 1}\n", "limits.memory: \"1\" is too small"),
        ("profiles: any\nlimits: {pids: 1}\n", "0/p.yaml:2:10: limits.pids: is not a key here"),
        ("profiles: any\nlocked: [limit]\n", "locked[0]: \"limit\" is not a key or a section"),
        ("profiles: any\nweight: 0\n", "weight: \"0\" is too small"),
        ("profiles: any\nweight: 10001\n", "weight: \"10001\" is too large"),
        ("profiles: any\nweight: none\n", "weight: "),
        ("profiles: []\n", "0/p.yaml:1:11: profiles: has 0 names"),
        ("profiles: [default, default]\n", "\"default\" is listed twice"),
        ("description: x\n", "0/p.yaml:1:1: profiles: is missing"),
        ("extends: ../x\nprofiles: any\n", "0/p.yaml:1:10: extends: "),
        ("extends: none_of_it\nprofiles: any\n", "extends: cannot be followed: there is no plan"),
        ("profiles: any\nprofiles: any\n", "0/p.yaml:2:1"),
        ("[]\n", "0/p.yaml:1:1: is a list; expected a mapping"), ("x: {\n", "0/p.yaml:"),
    ])
    func `a mistake is told with its place and its cure`(text: String, part: String) {
        let said = problem("p", ["p": text])
        #expect(said.contains(part), "\(said)")
    }

    @Test func `every mistake of a file is told, and a name without a file with those there are`() {
        let said = problem("p", ["p": "x: 1\nprofiles: 5\nquotas: {sessions: 0, memory: 1}\n"])
        #expect(said.split(separator: "\n").count == 4, "\(said)")
        #expect(problem("fre", ["free": "profiles: any\n"]).contains("did you mean free?"))
        #expect(problem("../free", ["free": "profiles: any\n"]).hasPrefix("plan ../free:"))
    }

    @Test func `no chain is longer than eight files`() {
        let names = (0..<9).map { "p\($0)" }
        let library = PlanLibrary(
            find: { (name, _) throws(PlanUnreadable) in
                guard let number = Int(name.dropFirst()) else { return nil }
                return PlanText(
                    called: "\(name).yaml", bytes: Array("extends: p\(number + 1)\n".utf8), place: 1)
            }, names: { names }, profiles: { [] })
        let error = #expect(throws: PlanProblem.self) { try library.plan("p0") }
        #expect(error?.description.contains("is one file too many, expected at most 8 in a row") == true)
    }

    @Test func `what differs in another reading is told key by key`() throws {
        let before = try library(["p": "profiles: any\nquotas: {execs_per_day: 10}\n"]).plan("p")
        let after = try library([
            "p": "profiles: [default]\nlocked: [image]\nlimits: {memory: 1GiB}\nquotas: {execs_per_day: 20}\n"
        ]).plan("p")
        #expect(
            before.changes(to: after) == [
                "profiles: any to default", "locked: [] to [image]", "limits.memory: none to 1GiB",
                "quotas.execs_per_day: 10 to 20",
            ])
        #expect(before.changes(to: before).isEmpty)
    }

    @Test func `a tenant's own quota goes before the plan's, none included, until it is forgotten`() {
        var own = OwnQuotas()
        let plan: QuotaLimits = [.execsPerDay: 10, .sessions: 2]
        #expect(own.limits(over: plan) == plan)
        own.set(.execsPerDay, nil)
        own.set(.memory, 1 << 30)
        #expect(own.limits(over: plan) == [.sessions: 2, .memory: 1 << 30])
        #expect(own.all.map(\.quota) == [.memory, .execsPerDay])
        own.forget(.execsPerDay)
        #expect(own.limits(over: plan) == [.execsPerDay: 10, .sessions: 2, .memory: 1 << 30])
        own.forgetAll()
        #expect(own.limits(over: plan) == plan && !own.says(.memory))
    }

    @Test func `a clock that is set back over midnight begins no day anew`() throws {
        var ledger = QuotaLedger<Int>()
        let name = try Name("red")
        ledger.setLimits([.execsPerDay: 2], of: name)
        let day: UInt64 = 20_000 * 86_400
        for holder in 0..<2 {
            _ = try ledger.reserve([.execsPerDay: 1], for: name, as: holder, at: day + 10)
        }
        for time in [day + 20, day - 20, day - 86_400, day + 86_399] {
            #expect(throws: QuotaRefusal.self) {
                try ledger.reserve([.execsPerDay: 1], for: name, as: 9, at: time)
            }
        }
        _ = try ledger.reserve([.execsPerDay: 1], for: name, as: 9, at: day + 86_400)
    }
}

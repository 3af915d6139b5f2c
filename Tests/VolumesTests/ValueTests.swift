import Linux
import TestSupport
import Testing

@testable import Volumes

/// Names, limits, marks, sizes and choices, without a kernel.
@Suite struct ValueTests {
    @Test(arguments: [
        "", ".", "..", ".new-a", "a/b", "/a", "-a", "a b", "a\u{0}b", "é", String(repeating: "a", count: 201),
    ])
    func `a name that could mean something else is refused`(name: String) {
        #expect(code { try VolumeName.session(tenant: "alice", id: name).check() } == "volume-name")
        #expect(code { try VolumeName.workspace(tenant: name, name: "w").check() } == "volume-name")
        #expect(VolumeName(kind: "sessions", tenant: "alice", name: name) == nil)
    }

    @Test func `a name is its place, and its place a name`() throws {
        let names: [VolumeName] = [
            .session(tenant: "a", id: "0123456789abcdef"), .workspace(tenant: "a.b", name: "W_1"),
            .snapshot(tenant: "a", name: String(repeating: "x", count: 200)),
        ]
        for name in names {
            try name.check()
            let parts = "\(name)".split(separator: "/").map(String.init)
            #expect(VolumeName(kind: parts[0], tenant: parts[1], name: parts[2]) == name)
        }
        #expect(VolumeName(kind: "removed", tenant: "a", name: "b") == nil)
    }

    @Test(arguments: [
        (VolumeLimits(bytes: 0), false), (VolumeLimits(bytes: 65535), false),
        (VolumeLimits(bytes: 65536), true),
        (VolumeLimits(bytes: 1000 << 20), true), (VolumeLimits(bytes: 1001 << 20), false),
        (VolumeLimits(), true),
        (VolumeLimits(inodes: 1), false), (VolumeLimits(inodes: 2), true),
    ])
    func `a limit has to be one that can be kept`(limits: VolumeLimits, isGood: Bool) {
        #expect((code { try limits.check(capacity: 1000 << 20) } == nil) == isGood)
    }

    @Test func `a limit that a kernel would take for a negative number is refused`() {
        #expect(code { try VolumeLimits(bytes: .max).check(capacity: nil) } == "volume-limit")
        #expect(code { try VolumeLimits(bytes: 1 << 63).check(capacity: nil) } == "volume-limit")
    }

    @Test(
        arguments: [
            (79, 100, QuotaMark.below), (80, 100, .eightyPercent), (94, 100, .eightyPercent),
            (95, 100, .ninetyFivePercent), (200, 100, .ninetyFivePercent),
            (UInt64.max, UInt64.max, .ninetyFivePercent),
            (UInt64.max / 2, UInt64.max, .below), (0, 1, .below),
        ] as [(UInt64, UInt64, QuotaMark)])
    func `marks are at 80 and 95 percent`(used: UInt64, limit: UInt64, mark: QuotaMark) {
        #expect(QuotaMark(used: used, limit: limit) == mark)
        #expect(QuotaMark(used: used, limit: nil) == .below)
    }

    @Test func `the nearer limit counts, and a mark is told once on the way up`() {
        let limits = VolumeLimits(bytes: 100, inodes: 100)
        #expect(QuotaMark(VolumeUsage(bytes: 10, inodes: 96), of: limits) == .ninetyFivePercent)
        #expect(QuotaMark(VolumeUsage(bytes: 85), of: limits) == .eightyPercent)
        #expect(QuotaMark.eightyPercent.event(after: .below) == .eightyPercent)
        #expect(QuotaMark.eightyPercent.event(after: .eightyPercent) == nil)
        #expect(QuotaMark.eightyPercent.event(after: .ninetyFivePercent) == nil)
        #expect(QuotaMark.ninetyFivePercent.event(after: .below) == .ninetyFivePercent)
    }

    private func room(_ size: UInt64, used: UInt64) -> BtrfsRoom {
        BtrfsRoom(
            id: [], size: size << 20, data: used << 20, dataUsed: used << 20, metadata: 10 << 20,
            metadataUsed: 0)
    }

    @Test func `an image grows when chunks of data leave metadata no room, however much is free in them`() {
        let policy = ImagePolicy(initial: 256 << 20, step: 64 << 20, headroom: 64 << 20, bound: 512 << 20)
        func room(data: UInt64, metadataUsed: UInt64) -> BtrfsRoom {
            BtrfsRoom(
                id: [], size: 256 << 20, data: data << 20, dataUsed: 0, metadata: 20 << 20,
                metadataUsed: metadataUsed << 20)
        }
        #expect(policy.size(room(data: 236, metadataUsed: 4)) == 256 << 20)
        #expect(policy.size(room(data: 236, metadataUsed: 5)) == 320 << 20)
        // There is room for another chunk.
        #expect(policy.size(room(data: 200, metadataUsed: 20)) == 256 << 20)
        #expect(policy.isShortOfMetadata(room(data: 236, metadataUsed: 5)))
    }

    @Test func `an image grows by steps, for the headroom, to the bound`() throws {
        let policy = ImagePolicy(
            initial: 256 << 20, step: 100 << 20, headroom: 150 << 20, bound: 1000 << 20)
        try policy.check()
        #expect(policy.size(room(200, used: 40)) == 200 << 20)
        #expect(policy.size(room(200, used: 41)) == 300 << 20)
        #expect(policy.size(room(200, used: 190)) == 400 << 20)
        #expect(policy.size(room(950, used: 900)) == 1000 << 20)
        #expect(policy.size(room(1000, used: 990)) == 1000 << 20)
        #expect(policy.size(room(2000, used: 1995)) == 2000 << 20, "never smaller than it is")
        let boundless = ImagePolicy(
            initial: 256 << 20, step: .max / 2, headroom: .max, bound: UInt64(Int64.max))
        #expect(boundless.size(room(200, used: 1)) == UInt64(Int64.max) & ~0xF_FFFF)
        for wrong in [
            ImagePolicy(initial: 255 << 20), ImagePolicy(initial: 2 << 30, bound: 1 << 30),
            ImagePolicy(step: 0),
            ImagePolicy(bound: .max),
        ] { #expect(code { try wrong.check() } == "volume-limit") }
    }

    @Test func `numbers of groups and file systems are written as the kernel writes them`() {
        #expect(Qgroup(subvolume: 256).directory == "0_256")
        #expect(Qgroup(tenant: 257).number == 0x1_C000_0000_0101)
        var room = room(1, used: 0)
        room.id = Array(0..<16)
        #expect(room.uuid == "00010203-0405-0607-0809-0a0b0c0d0e0f")
    }

    @Test func `numbers of projects are Corral's own, and each comes once in a round`() {
        let range = ProjectNumbers.range
        #expect(range.lowerBound == 0x4300_0000 && range.count == 1 << 20)
        var numbers = ProjectNumbers(start: UInt32.max)
        var seen: Set<UInt32> = []
        for _ in 0..<range.count { seen.insert(numbers.next()) }
        #expect(seen.count == range.count && seen.allSatisfy { range.contains($0) })
        #expect(ProjectQuota(limits: VolumeLimits(), bytes: 0, inodes: 0).isUnused)
        #expect(!ProjectQuota(limits: VolumeLimits(), bytes: 0, inodes: 1).isUnused)
        #expect(!ProjectQuota(limits: VolumeLimits(inodes: 1), bytes: 0, inodes: 0).isUnused)
    }

    @Test func `a limit is never rounded up`() {
        #expect(
            ProjectDriver.whole(VolumeLimits(bytes: 65537, inodes: 3))
                == VolumeLimits(bytes: 65536, inodes: 3))
        #expect(ProjectDriver.whole(VolumeLimits()) == VolumeLimits())
    }

    // MARK: Choice

    private func facts(_ change: @Sendable (inout VolumeFacts) -> Void) -> VolumeFacts {
        var facts = VolumeFacts()
        (facts.knowsBtrfs, facts.hasLoopDevices, facts.maker, facts.isRoot) = (
            true, true, "/sbin/mkfs.btrfs", true
        )
        change(&facts)
        return facts
    }

    private func choice(soft: Bool = false, _ change: @Sendable (inout VolumeFacts) -> Void) throws
        -> DriverChoice
    {
        try DriverChoice(facts(change), allowSoft: soft)
    }

    @Test func `the driver follows from what the directory and the host can do`() throws {
        #expect(
            try choice { ($0.isBtrfs, $0.quota) = (true, .full) }
                == .native(why: "it is on a btrfs with quotas"))
        let made = try choice { _ in }
        guard case .image(maker: "/sbin/mkfs.btrfs", let why) = made else {
            Issue.record("\(made)")
            return
        }
        #expect(why.contains("no quotas that Corral uses"))
        let projects: @Sendable (inout VolumeFacts) -> Void = {
            ($0.projectFileSystem, $0.projects) = ("xfs", .enforcing)
        }
        #expect(try choice(projects) == .project(why: "it is on an xfs with project quotas"))
        // Neither btrfs nor loop devices are needed for those, but root is.
        let bare = try choice {
            projects(&$0)
            ($0.knowsBtrfs, $0.hasLoopDevices) = (false, false)
        }
        #expect(bare == .project(why: "it is on an xfs with project quotas"))
        #expect(
            code {
                try choice {
                    projects(&$0)
                    $0.isRoot = false
                }
            } == "volume-no-driver")
        // Its volumes are in the image.
        let old = try choice {
            projects(&$0)
            $0.hasImage = true
        }
        #expect(old == .image(maker: "/sbin/mkfs.btrfs", why: "it has the image volumes.btrfs"))
        for state in [ProjectState.off, .counting, .forbidden] {
            let without = try choice { ($0.projectFileSystem, $0.projects) = ("ext4", state) }
            let word = state == .forbidden ? "user namespace" : "prjquota"
            guard case .image(_, let why) = without, why.contains(word) else {
                Issue.record("\(without)")
                continue
            }
        }
        // An image that is there needs nobody to make it.
        let found = try choice { ($0.hasImage, $0.maker) = (true, nil) }
        #expect(found == .image(maker: nil, why: "it has the image volumes.btrfs"))
        #expect(code { try choice(soft: true) { $0.isReadOnly = true } } == "volume-no-driver")
    }

    @Test func `what is in the way is named, and only the operator's word leads to directories`() throws {
        let ways: [(change: @Sendable (inout VolumeFacts) -> Void, word: String)] = [
            ({ $0.isRoot = false }, "root"), ({ $0.knowsBtrfs = false }, "kernel"),
            ({ $0.hasLoopDevices = false }, "/dev/loop-control"), ({ $0.maker = nil }, "btrfs-progs"),
        ]
        for way in ways {
            #expect(code { try choice(way.change) } == "volume-no-driver")
            guard case .directory(let why) = try choice(soft: true, way.change) else {
                Issue.record("expected a directory")
                continue
            }
            #expect(why.contains(way.word))
        }
    }

    @Test func `every error has a code and a sentence of its own`() {
        let name = VolumeName.session(tenant: "a", id: "b")
        let errors: [VolumeError] = [
            .badName("a\n", "is bad"), .badLimit("bytes", 0, expected: "more"), .absent(name), .exists(name),
            .notAVolume("x"), .belowUse(name, "bytes", asked: 1, used: 2), .unsupported(.tmpfs, "snapshots"),
            .notEnforced(.directory, "bytes", "why"), .tenantFull("a"),
            .diskFull("x", wanted: 1, available: 0),
            .imageFull(bound: 1), .noLoopDevice("why"), .noDriver("why"), .program("mkfs", 1, "text"),
            .system("to make", SystemError("openat", "x", .noSpace)),
        ]
        #expect(Set(errors.map(\.code)).count == errors.count)
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(!errors[0].description.contains("\n"))
    }
}

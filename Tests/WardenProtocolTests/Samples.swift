// Messages of every kind, with every field filled.

import Sandbox
import WardenProtocol

enum Samples {
    static let id = SandboxID(0x0123_4567_89AB_CDEF)
    static let key = ProcessKey(id, 7)

    static let order = SessionOrder(
        id: id, profile: "default", image: "python",
        overrides: [
            .memory(1 << 30), .cpus(1500), .pids(64), .cpuTime(nil), .cpuTime(5000), .pidsKill,
            .outputLimit(nil), .outputKill, .timeout(60_000),
            .variable(EnvironmentVariable(name: "LANG", value: "zh_CN.UTF-8")), .openFiles(256),
            .fileSize(1 << 20), .stack(8 << 20),
        ], workspace: VolumeOrder(volume, limits: VolumeAmounts(bytes: 1 << 30)), note: [0, 1, 255])

    static let volume = VolumeKey(.workspace, tenant: "alice", name: "notes")
    static let copy = VolumeKey(.snapshot, tenant: "alice", name: "before")
    static let volumeOrder = VolumeOrder(
        volume, limits: VolumeAmounts(bytes: 1 << 30, inodes: 5000), allowSoft: true)
    static let volumeState = VolumeState(
        volume, limits: VolumeAmounts(bytes: 1 << 30), used: VolumeAmounts(bytes: 16 << 10, inodes: 1),
        driver: .btrfs, users: 2)
    static let volumeDriver = VolumeDriverState(
        .btrfs, place: "a btrfs", why: "it is on one", isOpen: true, bytes: .enforced,
        inodes: .countedAsBytes,
        total: .notEnforced("nothing counts it"), hasSnapshots: true, troubles: ["one", "two"])

    static let hostVolume = HostVolumeState(
        path: "/srv/数据", bytes: 1 << 40, used: nil, stage: .unmounted, problem: "it is full", users: 3,
        created: 1_700_000_000_000)

    static let requests: [WardenRequest] = [
        .hello(version: 1, build: "0.1.0"), .create(order), .create(SessionOrder(id: id, profile: "strict")),
        .start(ProcessOrder(key, .arguments(["sh", "-c", "echo $0"]))),
        .start(
            ProcessOrder(
                key, .shell("echo \"$1\"\n", ["sh", "数据"]), environment: ["A=", "B=b=c"],
                directory: "/workspace", streams: .pipes(.pipe))),
        .start(
            ProcessOrder(
                key, .arguments(["top"]), streams: .terminal(WindowSize(columns: 80, rows: 24)))),
        .signal(key, 15), .resize(key, WindowSize(columns: 132, rows: 50)), .closeInput(key), .pause(id),
        .resume(id), .kill(id), .remove(id), .acknowledge(key), .note(id, [1, 2, 3]), .list(after: nil),
        .list(after: id), .statistics(id), .status, .shutdown, .workspace(id),
        .create(
            SessionOrder(
                id: id, profile: "default", workspace: VolumeOrder(VolumeKey(tenant: "alice", session: id)))),
        .create(SessionOrder(id: id, profile: "default", directory: "/srv/shared/数据")),
        .volumeCreate(volumeOrder), .volumeRemove(volume),
        .volumeResize(volume, VolumeAmounts(bytes: 1, inodes: 2)),
        .volumeInspect(volume), .volumeSnapshot(volume, as: copy), .volumeRestore(volume, from: copy),
        .volumeFork(copy, as: volumeOrder), .volumeList(after: nil), .volumeList(after: copy),
        .volumeOpen(volume), .volumeTotal(tenant: "alice", .read),
        .volumeTotal(tenant: "alice", .limit(nil)), .volumeTotal(tenant: "alice", .limit(1 << 40)),
        .volumeForget(tenant: "alice"), .volumeDriver,
        .create(
            SessionOrder(
                id: id, profile: "default", directory: "/srv/shared",
                directoryQuota: DirectoryQuota(limits: VolumeAmounts(bytes: 1 << 30), allowSoft: true))),
        .hostVolumeCreate(HostVolumeOrder("/srv/数据", bytes: 1 << 40)),
        .hostVolumeCreate(HostVolumeOrder("/srv/shared", bytes: nil)),
        .hostVolumeRemove(path: "/srv/shared", .nothing), .hostVolumeRemove(path: "/srv/shared", .keep),
        .hostVolumeList,
        .create(SessionOrder(id: id, profile: "default", share: TenantShare("alice", weight: 10_000))),
        .tenantWeight(tenant: "alice", nil), .tenantWeight(tenant: "a.b-c_9", 1),
        .hostVolumeResize(path: "/srv/shared", bytes: 1 << 30),
    ]

    static let statistics = SandboxStatistics(
        memory: 1, peakMemory: 2, cpuTime: nil, pids: 4, outOfMemoryKills: 5, pidsLimitHits: nil,
        workspace: VolumeAmounts(bytes: 6))
    static let end = SandboxEnd(cause: .memory, detail: "killed", statistics: statistics, at: 99)
    static let exit = ExitRecord(.exited(3), userTime: 1, systemTime: -1, peakMemory: 3, at: 12)
    static let problem = StartProblem(.directory, errno: 2, sentence: "no such directory")
    static let layers: [Layer: LayerState] = [
        .seccomp: .inForce, .memory: .partial("per process"), .pids: .off("no cgroup"),
    ]

    static let limits = SandboxLimits(
        memory: 1 << 30, swap: 0, pids: nil, cpus: 1500, cpuTime: 7, workspace: VolumeAmounts(inodes: 9))

    static let answers: [WardenAnswer] = [
        .welcome(version: 1, build: "0.1.0", instance: .max),
        .refused(
            Refusal(.ceiling, "too much", limit: "limits.memory", asked: "2GiB", allowed: "1GiB")),
        .done,
        .process(ProcessEntry(key, .starting, began: 5, roles: StreamRole.allCases)),
        .process(ProcessEntry(key, .running(pid: 3), began: 5, roles: [.terminal, .outputRing])),
        .process(ProcessEntry(key, .failed(problem), began: 5, roles: [])),
        .process(ProcessEntry(key, .exited(exit), began: 5, roles: [])),
        .process(ProcessEntry(key, .exited(ExitRecord(.signalled(9), at: 1)), began: 5, roles: [])),
        .process(ProcessEntry(key, .exited(ExitRecord(.unknown, at: 1)), began: 5, roles: [])),
        .session(
            SessionEntry(
                id, .gone, profile: "default", image: "host", began: 4, layers: layers, limits: limits,
                note: [9], end: end)),
        .page(next: nil), .page(next: id), .statistics(statistics),
        .status(
            WardenStatus(
                build: "0.1.0", pid: 4, sessions: 1, processes: 2, descriptors: 30, descriptorLimit: 20_000,
                networks: NetworkPoolState(ready: 1, most: 8, taken: 9, missed: 10, problem: "none left"),
                remarks: ["one", "two"])),
        .workspace, .volume(volumeState), .volumes([], next: nil), .volumes([volume, copy], next: copy),
        .volumeTotal(VolumeTotal(limit: 5, used: nil)), .volumeDriver(volumeDriver),
        .hostVolume(hostVolume), .hostVolumes([]), .hostVolumes([hostVolume, hostVolume]),
        .tenantWeight(nil), .tenantWeight(WeightState(weight: 1, cpu: .inForce, io: .off("none"))),
        .refused(Refusal(.volumeBelowUse, "too little", limit: "bytes", asked: "1", allowed: "2")),
    ]

    static let events: [WardenEvent] = [
        .volumeProgress(
            VolumeKey(.snapshot, tenant: "a", name: "bATc"),
            VolumeProgress(entries: 3, done: 1 << 40, total: 1 << 41)),
        .volumeProgress(VolumeKey(.workspace, tenant: "a", name: "b"), VolumeProgress()),
        .ready(id, layers: layers, limits: limits, at: 1), .started(key, pid: 2, at: 3, roles: [.terminal]),
        .startFailed(key, problem),
        .exited(key, exit), .gone(id, end), .stuck(id, end, remains: "/sys/fs/cgroup/x: EBUSY"),
        .limitHit(id, .pids, count: 3),
        .volumeFilling(id, percent: 95, used: VolumeAmounts(bytes: 95), limits: VolumeAmounts(bytes: 100)),
    ]
}

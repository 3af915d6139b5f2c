import Figures
import Glibc
import Linux
import Volumes

/// Measures what a volume costs: `[--rounds N] [--warmup N] [--json FILE]`. Made with its limit and its tenant, a
/// snapshot of 1 GiB in a file, a volume taken away while the room comes back later; on a btrfs in an image, and
/// in memory.
func workspaceBenchmark(_ words: [String]) throws {
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    var scratch = try ScratchDirectory()
    let path = try scratch.makeDirectory("state")
    let policy = ImagePolicy(initial: 2 << 30, bound: 2 << 30)
    let image = try BtrfsImage(
        VolumeFacts.image, in: FileDescriptor.open(path, O_RDONLY | O_DIRECTORY), path: path, policy: policy)
    let btrfs = try BtrfsDriver(image: image, enabling: [.simple, .full])
    let full = VolumeName.workspace(tenant: "bench", name: "full")
    let volume = try btrfs.create(full, VolumeRequest(limits: VolumeLimits(bytes: 3 << 29)))
    try fill(volume.directory)

    var times: [String: [UInt64]] = [:]
    let names = ["btrfs create", "btrfs remove", "btrfs snapshot of 1 GiB", "tmpfs create", "tmpfs remove"]
    for round in 0..<options.warmup + options.rounds {
        let taken = try btrfsRound(btrfs, full, round) + memoryRound(round)
        guard round >= options.warmup else { continue }
        for (name, time) in zip(names, taken) { times[name, default: []].append(time) }
    }
    try results.add(
        names.compactMap { Row(name: $0, times: times[$0] ?? []) }, under: "workspace", options)
}

/// A file of 1 GiB, without holes.
private func fill(_ directory: borrowing FileDescriptor) throws(SystemError) {
    let file = try directory.open("file", O_WRONLY | O_CREAT, mode: 0o600)
    let megabyte = [UInt8](repeating: 0xC0, count: 1 << 20)
    for _ in 0..<1024 { try file.writeAll(megabyte) }
    let number = file.number
    _ = try call("fsync") { fsync(number) }
}

/// Nanoseconds of each step, as in the benchmark's names. What is removed is settled between the rounds.
private func btrfsRound(_ driver: BtrfsDriver, _ full: VolumeName, _ round: Int) throws -> [UInt64] {
    let name = VolumeName.session(tenant: "bench", id: "\(round)")
    let snapshot = VolumeName.snapshot(tenant: "bench", name: "\(round)")
    let made = try time { _ = try driver.create(name, VolumeRequest(limits: VolumeLimits(bytes: 64 << 20))) }
    let copied = try time { try driver.snapshot(full, as: snapshot) }
    let removed = try time { try driver.remove(name) }
    try driver.remove(snapshot)
    _ = try driver.settle()
    return [made, removed, copied]
}

private func memoryRound(_ round: Int) throws -> [UInt64] {
    let driver = TmpfsDriver()
    let name = VolumeName.session(tenant: "bench", id: "\(round)")
    let limits = VolumeLimits(bytes: 64 << 20, inodes: 10_000)
    return [
        try time { _ = try driver.create(name, VolumeRequest(limits: limits)) },
        try time { try driver.remove(name) },
    ]
}

private func time(_ body: () throws -> Void) rethrows -> UInt64 {
    let start = monotonicTime()
    try body()
    return monotonicTime() - start
}

// Directories of volumes of the host that sandboxes have as their workspaces.

import Launch
import Linux
import Sandbox
import Volumes
import WardenProtocol

extension HostVolumes {
    /// The directory of a session, where its path is below a volume; nil where it is below none.
    /// - Throws: also for a volume that is not mounted: what is below it is not what the path means.
    func take(
        _ path: String, _ quota: DirectoryQuota?, for id: SandboxID
    ) throws(Refusal) -> WorkspaceDirectory? {
        guard let entry = entry(holding: path) else { return nil }
        guard let volume = entry.volume, entry.problem.isEmpty else {
            throw Refusal(
                .state, "the volume \(shown(entry.record.path)) is not mounted: \(entry.problem)",
                limit: "directory")
        }
        if let bytes = quota?.limits.bytes, bytes > policy.bytes {
            throw Refusal(
                .ceiling, "a directory of \(bytes) bytes is more than there may be: \(policy.bytes)",
                limit: "quota", asked: "\(bytes)", allowed: "\(policy.bytes)")
        }
        let rest = String(decoding: path.utf8.dropFirst(entry.record.path.utf8.count + 1), as: UTF8.self)
        var number: UInt64 = 0
        do throws(VolumeError) {
            let handed = try volume.hand(out: rest, bytes: quota?.limits.bytes, usual: policy.bytes) {
                number in
                uses.values.contains { $0.entry === entry && $0.number == number }
            }
            number = handed.number
            let directory: WorkspaceDirectory
            do throws(WorkspaceError) {
                directory = try WorkspaceDirectory.of(handed.takeDirectory(), path: path)
            } catch {
                throw .notToHandOut(path, "cannot be opened: \(error)")
            }
            uses[id] = Use(entry: entry, number: number)
            lookLater()
            return directory
        } catch {
            var refusal = Refusal(error)
            if refusal.limit.isEmpty || refusal.limit == "bytes" {
                refusal.limit = refusal.code == .volumeLimit ? "quota" : "directory"
            }
            throw refusal
        }
    }

    /// Also one that is being made: what is below it will not be what the path means.
    private func entry(holding path: String) -> Entry? {
        entries.first {
            [.ready, .making].contains($0.record.stage)
                && (path == $0.record.path || isBelow(path, $0.record.path))
        }
    }

    func release(_ id: SandboxID) { uses[id] = nil }

    // MARK: How full they are

    /// Once a second, while there are any.
    private func lookLater() {
        guard !uses.isEmpty, let loop else { return }
        do throws(SystemError) {
            if timer == nil { timer = try Timer.make(on: loop) { [weak self] in self?.lookHowFull() } }
            timer?.fire(atLatest: Timer.now + VolumeAgenda.pollInterval)
        } catch {
            tell("directories of volumes are not looked after: \(error)")
        }
    }

    private func lookHowFull() {
        for (id, use) in uses {
            guard let (limit, used) = try? use.entry.volume?.amounts(of: use.number) else { continue }
            let mark = QuotaMark(used: used ?? 0, limit: limit)
            if let told = mark.event(after: use.mark) {
                fills(
                    id, UInt8(clamping: told.rawValue), VolumeAmounts(bytes: used),
                    VolumeAmounts(bytes: limit))
            }
            uses[id]?.mark = mark
        }
        lookLater()
    }

    /// Nil for a sandbox without a directory of a volume.
    func limits(of id: SandboxID) -> VolumeAmounts? { amounts(of: id).map { VolumeAmounts(bytes: $0.limit) } }
    func usage(of id: SandboxID) -> VolumeAmounts? { amounts(of: id).map { VolumeAmounts(bytes: $0.used) } }

    private func amounts(of id: SandboxID) -> (limit: UInt64?, used: UInt64?)? {
        guard let use = uses[id] else { return nil }
        return try? use.entry.volume?.amounts(of: use.number)
    }
}

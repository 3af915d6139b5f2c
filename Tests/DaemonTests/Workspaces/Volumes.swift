import Glibc
import TestSupport
import Testing
import Wire

/// What this machine needs for workspaces with limits: root, a kernel with btrfs, loop devices, mkfs.btrfs.
enum VolumeHost {
    static let canEnforce: Bool = {
        let isKnown = (File.text("/proc/filesystems") ?? "").contains("\tbtrfs\n")
        let hasMaker = ["/usr/sbin/mkfs.btrfs", "/sbin/mkfs.btrfs", "/usr/bin/mkfs.btrfs"].contains(
            where: File.exists)
        let hasLoops = unsafe access("/dev/loop-control", R_OK | W_OK) == 0
        return Host.isRoot && isKnown && hasMaker && hasLoops
    }()

    static let trait: any SuiteTrait & TestTrait = .enabled(
        if: canEnforce, "needs root, a kernel with btrfs, /dev/loop-control and mkfs.btrfs")

    /// Starts what follows where no image can be made, so that nothing can enforce limits.
    static let withoutMaker = [
        "unshare", "-m", "sh", "-c",
        """
        for f in /usr/sbin/mkfs.btrfs /sbin/mkfs.btrfs /usr/bin/mkfs.btrfs; do
            [ -e $f ] && mount --bind /dev/null $f; done; exec "$@"
        """, "sh",
    ]
}

extension TestDaemon {
    /// A workspace that is ready.
    func workspace(_ name: String, bytes: Int = 32 << 20, _ more: String = "") throws {
        let answer = try call("POST", "/v1/workspaces", #"{"name":"\#(name)","bytes":\#(bytes)\#(more)}"#)
        try #require(
            answer.status == 201 && answer.text("state") == "ready",
            "\(String(decoding: answer.bytes, as: UTF8.self)) \(program.errorsSoFar)")
    }

    func find(_ name: String) throws -> Answer { try call("GET", "/v1/workspaces/\(name)") }

    /// Names and states of all.
    func workspaces() throws -> [String: String] {
        let list = try call("GET", "/v1/workspaces")["workspaces"]?.list ?? []
        return Dictionary(list.map { ($0["name"]?.text ?? "", $0["state"]?.text ?? "") }) { $1 }
    }

    func snapshots(_ name: String) throws -> [String] {
        try call("GET", "/v1/workspaces/\(name)/snapshots")["snapshots"]?.list.map {
            "\($0["name"]?.text ?? "") \($0["state"]?.text ?? "")"
        } ?? []
    }

    /// Has a session with a workspace do something, and ends it.
    @discardableResult
    func using(_ name: String, _ shell: String) throws -> String {
        let id = try session(#"{"workspace":"\#(name)"}"#)
        defer { _ = try? call("DELETE", "/v1/sessions/\(id)?force=true") }
        return try exec(id, shell).decoded("stdout")
    }

    @discardableResult
    func end(_ id: String) throws -> Answer { try call("DELETE", "/v1/sessions/\(id)?force=true") }
}

extension TestDaemon.Answer {
    /// The finer word of a refusal.
    var reason: String { json?["error"]?["reason"]?.text ?? "" }
    var message: String { json?["error"]?["message"]?.text ?? "" }
    var hint: String { json?["error"]?["hint"]?.text ?? "" }
    func number(_ name: String) -> Int? { Int(text(name)) }
}

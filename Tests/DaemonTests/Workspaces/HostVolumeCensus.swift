// What is counted on the machine before and after tests of volumes of the host.

import TestSupport

/// What this machine has of volumes of a daemon.
struct HostVolumeCensus {
    let daemon: TestDaemon
    let path: String

    /// Mounts at the path, in the namespace of this process.
    var mounts: Int {
        (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n").filter {
            $0.split(separator: " ").dropFirst(4).first.map(String.init) == path
        }.count
    }

    /// Loop devices of images in the daemon's state directory: their paths begin somewhere else once the warden's mount
    /// namespace, by which they were opened, is gone.
    var loops: Int {
        let name = daemon.directory.path.split(separator: "/").last ?? ""
        return File.names(in: "/sys/block").filter {
            let file = File.text("/sys/block/\($0)/loop/backing_file") ?? ""
            return file.contains("/\(name)/s/warden/host-volumes/")
        }.count
    }

    var records: [String] { File.names(in: "\(daemon.state)/warden/host-volumes") }
    var isClean: Bool { mounts == 0 && loops == 0 && records.isEmpty }
}

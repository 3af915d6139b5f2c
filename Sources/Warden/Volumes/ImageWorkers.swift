// The processes that make, change and delete images, and what they do. Each does one piece of work and ends.

import CLinux
import FailPoints
import Glibc
import Linux
import Volumes
import WardenProtocol

/// On the warden's side. They end with this process, whatever they do.
final class ImageWorkers {
    private let loop: EventLoop
    private var workers: [VolumeWorker] = []

    init(on loop: EventLoop) { self.loop = loop }

    /// Has a piece of work done.
    /// - Parameters:
    ///   - directory: what it is done in.
    ///   - path: what errors call that.
    ///   - holding: what else the process is given, numbers of descriptors.
    ///   - started: called when it has those, and before it begins.
    ///   - done: called once, later; not called where this throws.
    func begin(
        _ work: ImageWork, in directory: borrowing FileDescriptor, _ path: String, holding: [CInt] = [],
        started: () -> Void = {}, _ done: @escaping (Refusal?) -> Void
    ) throws(SystemError) {
        let worker = try VolumeWorker(
            VolumeWorkerProgram.command(at: path),
            // There is a descriptor 5 in any case, to be closed.
            [directory.number] + (holding.isEmpty ? [directory.number] : holding), on: loop
        ) { [weak self] worker, report in self?.finished(worker, report) }
        workers.append(worker)
        started()
        let job = VolumeJob([.house], .image(work)) { report in
            if case .refused(let why) = report { done(why) } else { done(nil) }
        }
        try worker.begin(job, .image(work))
    }

    /// - Parameter report: nil for a process that has ended.
    private func finished(_ worker: VolumeWorker, _ report: VolumeReport?) {
        let job = worker.job
        worker.job = nil
        if report == nil { workers.removeAll { $0 === worker } } else { worker.dismiss() }
        job?.done(report ?? .refused(worker.hasEnded))
    }

    func end() {
        for worker in workers { worker.kill() }
        workers = []
    }
}

/// In such a process.
struct ImagePlace: ~Copyable {
    let directory: FileDescriptor
    let path: String
    /// Descriptors of a volume's top, and of its file and its loop device where these are needed.
    private static let held: [CInt] = [5, 6, 7]

    func perform(_ work: ImageWork) throws(Refusal) {
        switch work {
        case .volumes(let bound): try makeVolumes(bound)
        case .host(let order): try make(order)
        case .record(let name, let text): try write(text, of: name)
        case .release(let name, let text, let deleting):
            try write(text, of: name)
            // The last who has it: what it holds goes to the disk here.
            _ = close(Self.held[0])
            FailPoint.pass(.hostVolumeReleased)
            if deleting { try storing { (store) throws(SystemError) in try store.remove(name) } }
        case .resize(let size):
            try refusing { () throws(VolumeError) in
                try HostVolume.resize(
                    size.path, root: FileDescriptor(owning: Self.held[0]),
                    file: FileDescriptor(owning: Self.held[1]), loop: FileDescriptor(owning: Self.held[2]),
                    device: size.device, to: size.bytes)
            }
            try write(size.record, of: size.name)
        }
    }

    /// Made to the end, quotas and all, so that whoever opens it next has nothing to wait for.
    private func makeVolumes(_ bound: UInt64) throws(Refusal) {
        try refusing { () throws(VolumeError) in
            let choice = try DriverChoice(VolumeFacts.read(directory, path: path), allowSoft: false)
            guard case .image = choice else { return }
            _ = try choice.driver(in: copy(), path: path, policy: ImagePolicy(upTo: bound))
        }
    }

    private func copy() throws(VolumeError) -> FileDescriptor {
        do throws(SystemError) {
            return try directory.open(".", O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system("to open \(path)", error)
        }
    }

    private func make(_ order: HostImageOrder) throws(Refusal) {
        do throws(Refusal) {
            try storing { (store) throws(SystemError) in
                try HostVolumeRecord.write(order.record, in: store.make(order.name))
            }
            try refusing { () throws(VolumeError) in
                let place: FileDescriptor
                do throws(SystemError) {
                    place = try directory.open(
                        order.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks])
                } catch {
                    throw .system("to open \(path)/\(order.name)", error)
                }
                _ = try HostVolume(
                    making: place, store: "\(path)/\(order.name)", path: order.path, bytes: order.bytes,
                    owner: DirectoryOwner(user: order.user, group: order.group, mode: order.mode),
                    maker: order.maker)
            }
        } catch {
            // Nothing is left of one that could not be made.
            try? storing { (store) throws(SystemError) in try store.remove(order.name) }
            throw error
        }
    }

    private func write(_ text: String, of name: String) throws(Refusal) {
        try storing { (store) throws(SystemError) in
            try HostVolumeRecord.write(text, in: store.open(name))
        }
    }

    private func storing(_ body: (borrowing HostVolumeStore) throws(SystemError) -> Void) throws(Refusal) {
        do throws(SystemError) {
            try body(HostVolumeStore(descriptor: directory.open(".", O_RDONLY | O_DIRECTORY), path: path))
        } catch {
            throw Refusal(.volumeSystem, "\(path): \(error)")
        }
    }
}

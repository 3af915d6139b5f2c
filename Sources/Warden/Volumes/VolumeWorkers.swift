import CLinux
import Glibc
import Linux
import Volumes
import WardenProtocol

// What may wait for a disk is done by processes of this program, so that the warden's one thread never does.

/// A piece of work, or a turn for something that has to wait until nobody works on a volume.
final class VolumeJob {
    /// What one job at a time works on.
    enum Lane: Hashable {
        case volume(VolumeName)
        /// What was removed, and what is wrong.
        case house
        /// The image's size: whoever makes a volume may wait for it, and not for the house.
        case room
    }

    let lanes: Set<Lane>
    /// Nil for a turn only.
    let work: VolumeWork?
    /// Whether no session may begin to use these volumes meanwhile.
    let keepsUsersOut: Bool
    let done: (VolumeReport) -> Void
    let progress: (VolumeProgress) -> Void

    init(
        _ lanes: Set<Lane>, _ work: VolumeWork?, keepsUsersOut: Bool = false,
        progress: @escaping (VolumeProgress) -> Void = { _ in }, done: @escaping (VolumeReport) -> Void
    ) {
        self.lanes = lanes
        self.work = work
        self.keepsUsersOut = keepsUsersOut
        self.progress = progress
        self.done = done
    }

    /// Whether it is done for all volumes together.
    var isOfHouse: Bool { lanes.contains(.house) || lanes.contains(.room) }
}

/// The processes, and what waits for one. At most one job works on a volume at a time, in the order in which they
/// came; those of other volumes go past.
final class VolumeWorkers {
    /// Processes that work on volumes; two more may keep house and make room.
    static let most = 4
    /// Jobs that may wait.
    static let mostWaiting = 1024
    /// How long a process stays when nothing is asked of it, in nanoseconds.
    static let rest: UInt64 = 10_000_000_000

    private let loop: EventLoop
    private let parts: DriverParts
    private var queue: [VolumeJob] = []
    private var workers: [VolumeWorker] = []
    private var timer: Timer?
    private var isTaking = false

    init(_ parts: DriverParts, on loop: EventLoop) {
        self.parts = parts
        self.loop = loop
    }

    private var all: [VolumeJob] { workers.compactMap(\.job) + queue }

    func isBusy(_ name: VolumeName) -> Bool { all.contains { $0.lanes.contains(.volume(name)) } }
    func keepsUsersOut(of name: VolumeName) -> Bool {
        all.contains { $0.keepsUsersOut && $0.lanes.contains(.volume(name)) }
    }
    /// Whether anybody works on volumes.
    var isCopying: Bool { workers.contains { $0.job.map { !$0.isOfHouse } ?? false } }

    /// - Throws: `ceiling` where too much waits.
    func add(_ job: VolumeJob) throws(Refusal) {
        guard queue.count < Self.mostWaiting || job.isOfHouse else {
            throw Refusal(
                .ceiling, "\(queue.count) requests about volumes wait for the disk", limit: "waiting",
                asked: "\(queue.count + 1)", allowed: "\(Self.mostWaiting)")
        }
        queue.append(job)
        take()
    }

    /// Begins what can begin.
    private func take() {
        // What is done meanwhile may add jobs: they are seen by this turn.
        if isTaking { return }
        isTaking = true
        defer { isTaking = false }
        var index = 0
        var busy = Set(workers.flatMap { $0.job?.lanes ?? [] })
        while index < queue.count {
            let job = queue[index]
            if job.lanes.isDisjoint(with: busy), begin(job, at: index) {
                // What it told may have changed everything.
                index = 0
                busy = Set(workers.flatMap { $0.job?.lanes ?? [] })
                continue
            }
            busy.formUnion(job.lanes)
            index += 1
        }
    }

    /// - Returns: false where it has to wait for a process.
    private func begin(_ job: VolumeJob, at index: Int) -> Bool {
        guard let work = job.work else {
            queue.remove(at: index)
            job.done(.done)
            return true
        }
        do throws(SystemError) {
            guard let worker = try worker(for: job) else { return false }
            queue.remove(at: index)
            try worker.begin(job, work)
        } catch {
            queue.removeAll { $0 === job }
            job.done(.refused(Refusal(.volumeSystem, "no process could be started for it: \(error)")))
        }
        return true
    }

    private func worker(for job: VolumeJob) throws(SystemError) -> VolumeWorker? {
        if let idle = workers.first(where: { $0.isIdle }) { return idle }
        guard workers.count < Self.most + (job.isOfHouse ? 2 : 0) else { return nil }
        let worker = try VolumeWorker(VolumeWorkerProgram.command(parts), parts.descriptors, on: loop) {
            [unowned self] worker, report in
            finished(worker, report)
        }
        workers.append(worker)
        return worker
    }

    /// - Parameter report: nil for a process that has ended.
    private func finished(_ worker: VolumeWorker, _ report: VolumeReport?) {
        let job = worker.job
        worker.job = nil
        worker.idleSince = Timer.now
        if report == nil { workers.removeAll { $0 === worker } }
        job?.done(
            report
                ?? .refused(worker.hasEnded))
        take()
        sendHome()
    }

    /// Ends those that nobody needs.
    private func sendHome() {
        let now = Timer.now
        for worker in workers where worker.isIdle && worker.idleSince + Self.rest <= now { worker.dismiss() }
        guard let first = workers.filter(\.isIdle).map(\.idleSince).min() else { return }
        if timer == nil { timer = try? Timer.make(on: loop) { [weak self] in self?.sendHome() } }
        timer?.fire(atLatest: first + Self.rest)
    }

    /// Ends all, whatever they do.
    func end() {
        for worker in workers { worker.kill() }
        workers = []
        queue = []
    }
}

/// One process. It ends with this one, whatever it does.
final class VolumeWorker: EventHandler {
    private var socket: Held<FileDescriptor>?
    private let process: FileDescriptor
    private let loop: EventLoop
    private var tokens: (socket: EventLoop.Token?, process: EventLoop.Token?) = (nil, nil)
    private let tell: (VolumeWorker, VolumeReport?) -> Void
    var job: VolumeJob?
    /// On CLOCK_BOOTTIME, in nanoseconds.
    var idleSince: UInt64 = 0
    /// How it ended.
    private var ending = "unknown"

    /// What is said of work that it had when it ended.
    var hasEnded: Refusal {
        Refusal(
            .volumeSystem, "the process that was to do it has ended (\(ending)); look whether it was done")
    }

    var isIdle: Bool { job == nil && socket != nil }

    /// - Parameters:
    ///   - descriptors: become its descriptors 4, 5 and so on.
    ///   - tell: called with each report that ends a job, and with nil when the process has ended.
    init(
        _ program: HostProgram, _ descriptors: [CInt], on loop: EventLoop,
        _ tell: @escaping (VolumeWorker, VolumeReport?) -> Void
    ) throws(SystemError) {
        var ends: [2 of CInt] = [-1, -1]
        var span = ends.mutableSpan
        _ = try unsafe span.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try call("socketpair") { unsafe clinux_seqpacket_pair(buffer.baseAddress) }
        }
        let own = FileDescriptor(owning: ends[0])
        let other = FileDescriptor(owning: ends[1])
        try own.setNonBlocking()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let pid = try program.start([null.number, 2, 2, other.number] + descriptors)
        process = FileDescriptor(owning: clinux_pidfd_open(pid))
        self.loop = loop
        self.tell = tell
        let held = Held(own)
        socket = held
        // Without one of these nothing would be heard of it: it ends, because its socket is closed.
        guard process.number >= 0 else { throw SystemError("pidfd_open", nil, Errno(rawValue: errno)) }
        tokens.socket = try loop.add(held.value, for: .readable, handler: self)
        tokens.process = try loop.add(process, for: .readable, handler: self)
    }

    func begin(_ job: VolumeJob, _ work: VolumeWork) throws(SystemError) {
        self.job = job
        // One packet at a time in a socket that is empty. One that has just ended is told of by its pidfd.
        switch socket?.value.sendPacket(work.encoded()) {
        case .bytes, .none, .failed(.brokenPipe), .failed(.connectionReset): break
        case .wouldBlock: throw fail("sendmsg", .wouldBlock)
        case .failed(let errno): throw fail("sendmsg", errno)
        }
    }

    private func fail(_ call: String, _ errno: Errno) -> SystemError {
        job = nil
        _ = clinux_pidfd_signal(process.number, SIGKILL)
        return SystemError(call, nil, errno)
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        hear()
        guard token == tokens.process, process.number >= 0 else { return }
        reap(blocking: false)
        leave()
        if let token = tokens.process { loop.remove(process, token) }
        tokens.process = nil
        tell(self, nil)
    }

    private func hear() {
        while let socket {
            switch socket.value.receivePacket(limit: WardenFormat.messageLimit) {
            case .wouldBlock: return
            case .end, .failed: return leave()
            case .tooLarge: return broken()
            case .packet(let packet):
                guard let report = try? VolumeReport(packet.bytes) else { return broken() }
                if case .progress(let progress) = report {
                    job?.progress(progress)
                } else if job != nil {
                    tell(self, report)
                }
            }
        }
    }

    /// It says what it never says.
    private func broken() {
        _ = clinux_pidfd_signal(process.number, SIGKILL)
        leave()
    }

    /// Nothing more is asked of it; it ends by itself.
    func dismiss() { leave() }

    private func leave() {
        if let socket, let token = tokens.socket { loop.remove(socket.value, token) }
        tokens.socket = nil
        socket = nil
    }

    private func reap(blocking: Bool) {
        var exit = clinux_exit()
        guard unsafe clinux_wait_pidfd(process.number, blocking ? 1 : 0, &exit) == 0, exit.pid > 0 else {
            return
        }
        ending = exit.code == CLD_EXITED ? "exit \(exit.status)" : "signal \(exit.status)"
    }

    /// Ends it now, and waits for that: at most for 10 s, as long as a call of it may wait for the disk.
    func kill() {
        leave()
        if let token = tokens.process { loop.remove(process, token) }
        tokens.process = nil
        _ = clinux_pidfd_signal(process.number, SIGKILL)
        var ready = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&ready, 1, 10_000) > 0 else { return }
        reap(blocking: false)
    }
}

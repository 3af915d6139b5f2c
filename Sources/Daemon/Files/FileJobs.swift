import Linux
import Service
import Synchronization

/// Runs what may wait for a file system on threads beside the loop's, a bounded number at a time.
///
/// Not in slices on the loop: a lock of the kernel's on one of a workspace's files or directories is held for
/// as long as whoever is inside holds it, and a sandbox whose share of the processor is used up does that in
/// the middle of a call. So nothing of a session is touched by the thread that serves all the others, and no
/// session has all the threads.
final class FileJobs {
    /// Threads at a time, and of these for one session or workspace.
    static let most = 8
    static let mostOfOne = 2
    /// Jobs that wait, in all and for one session or workspace; what comes on top of these is refused.
    static let mostWaiting = 1024
    static let mostWaitingOfOne = 128

    private struct Job {
        let owner: FileOwner
        /// Done on a thread.
        let work: @Sendable () -> Void
        /// Done on the loop's.
        let finish: () -> Void
    }

    private let mailbox: Mailbox<FileJobs>
    private var waiting: [Job] = []
    private var running: [UInt64: (job: Job, thread: Parcel<Thread>)] = [:]
    private var lastNumber: UInt64 = 0

    init(on loop: EventLoop) throws(SystemError) {
        mailbox = try Mailbox()
        try mailbox.attach(to: loop, owner: self)
    }

    /// Has `work` done on a thread, and `finish` called with what came of it, later, on the loop's.
    /// - Throws: code `limit` when too many wait; nothing is done or called then.
    func run<Value: Sendable>(
        for owner: FileOwner, _ work: @escaping @Sendable () throws(ServiceError) -> Value,
        then finish: @escaping (Result<Value, ServiceError>) -> Void
    ) throws(ServiceError) {
        let own = waiting.count { $0.owner == owner }
        guard waiting.count < FileJobs.mostWaiting, own < FileJobs.mostWaitingOfOne else {
            throw ServiceError(
                .limit,
                "\(own) operations on files of \(owner) wait already, \(waiting.count) in all",
                hint: "at most \(FileJobs.mostWaitingOfOne) and \(FileJobs.mostWaiting) may; try again later")
        }
        let result = Outcome<Value>()
        waiting.append(
            Job(owner: owner) {
                let value: Result<Value, ServiceError>
                do throws(ServiceError) {
                    value = .success(try work())
                } catch {
                    value = .failure(error)
                }
                result.set(value)
            } finish: {
                finish(
                    result.take() ?? .failure(ServiceError(.fault, "an operation on files had no outcome")))
            })
        startWaiting()
    }

    private func startWaiting() {
        while running.count < FileJobs.most, let index = waiting.firstIndex(where: mayStart) {
            let job = waiting.remove(at: index)
            lastNumber += 1
            let (number, mailbox) = (lastNumber, mailbox)
            do throws(SystemError) {
                let work = job.work
                let thread = try Thread.start {
                    work()
                    mailbox.post { $0.finished(number) }
                }
                running[number] = (job, Parcel(thread))
            } catch {
                job.finish()
            }
        }
    }

    private func mayStart(_ job: Job) -> Bool {
        running.values.count { $0.job.owner == job.owner } < FileJobs.mostOfOne
    }

    private func finished(_ number: UInt64) {
        guard let (job, thread) = running.removeValue(forKey: number) else { return }
        // It has nothing left to do but to end.
        if let thread = thread.take() { thread.join() }
        job.finish()
        startWaiting()
    }
}

/// What a job came to, on its way between two threads.
private final class Outcome<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, ServiceError>?>(nil)

    func set(_ result: Result<Value, ServiceError>) { value.withLock { $0 = result } }
    func take() -> Result<Value, ServiceError>? { value.withLock { $0.take() } }
}

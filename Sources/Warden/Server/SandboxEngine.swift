import Linux
import Sandbox
import WardenProtocol

/// What the server asks of the engine, which makes sandboxes, watches them and ends them. All on the loop's
/// thread; nothing waits.
///
/// The server has looked at the state of sessions and processes before it asks: ids are new where they must
/// be, and known where they must be. The engine judges what orders contain (``Refusal/Code/ceiling``,
/// `order`, `unsupported`, `system`).
protocol SandboxEngine: AnyObject {
    /// Has made what a sandbox needs and takes its time, where it is missing.
    /// - Parameter then: called later, with the reason where it could not be made; never where nothing is missing.
    /// - Returns: whether something is.
    func prepare(for order: SessionOrder, _ then: @escaping (Refusal?) -> Void) -> Bool

    /// Begins a sandbox; `ready` or `gone` follows.
    func create(_ order: SessionOrder) throws(Refusal)

    /// Asks a sandbox's init for a process; `started` or `startFailed` follows.
    /// - Parameter streams: the sandbox's ends, which stay the caller's; nil for an order with a terminal,
    ///   whose master comes with the event `terminal`.
    func start(_ order: ProcessOrder, _ streams: EngineStreams?) throws(Refusal)

    func signal(_ key: ProcessKey, _ number: Int32) throws(Refusal)
    func pause(_ id: SandboxID) throws(Refusal)
    func resume(_ id: SandboxID) throws(Refusal)
    /// Quota lifted, `cgroup.kill`, the init; when all is removed, `gone` follows, or `stuck`.
    func kill(_ id: SandboxID)
    /// Tries again to remove what is left of a sandbox that is `stuck`.
    func clean(_ id: SandboxID) throws(Refusal)
    func statistics(_ id: SandboxID) throws(Refusal) -> SandboxStatistics
    /// A descriptor of the top of its workspace, whose files are those of `peer`.
    func workspace(_ id: SandboxID, for peer: PeerCredentials) throws(Refusal) -> FileDescriptor

    /// Carries out what is asked of volumes, but for `volumeOpen`; `then` is called once, now or when a process of
    /// its own has done it.
    func volume(_ request: WardenRequest, _ then: @escaping (VolumeKeeper.Answer) -> Void)
    /// The end: what it started besides sandboxes ends.
    func finish()
    /// A descriptor of the top of a volume, whose files are those of `peer`.
    func volumeTop(_ key: VolumeKey, for peer: PeerCredentials) throws(Refusal) -> FileDescriptor
    /// The sandboxes that have a volume as their workspace.
    func users(of key: VolumeKey) -> [SandboxID]

    /// What is in force of a tenant's weight, which is first changed where there is a number; nil where the tenant
    /// has no cgroup.
    func weigh(_ tenant: String, _ weight: UInt32?) -> WeightState?

    var networkPool: NetworkPoolState { get }

    /// Watches its descriptors on `loop` from now on and tells every event.
    func begin(on loop: EventLoop, telling tell: @escaping (EngineEvent) -> Void) throws(SystemError)
}

/// The sandbox's ends of a process's streams.
struct EngineStreams {
    /// -1 for the sandbox's /dev/null.
    var input: CInt
    var output: CInt
    var errors: CInt
}

/// What the engine has to tell.
enum EngineEvent {
    /// - Parameter image: the image that it has.
    case ready(SandboxID, layers: [Layer: LayerState], limits: SandboxLimits, image: String)
    /// The master of the terminal of a process, before it is started.
    case terminal(ProcessKey, Held<FileDescriptor>)
    case started(ProcessKey, pid: Int32)
    case startFailed(ProcessKey, StartProblem)
    case exited(ProcessKey, ExitRecord)
    case gone(SandboxID, SandboxEnd)
    case stuck(SandboxID, SandboxEnd, remains: String)
    case limitHit(SandboxID, Layer, count: UInt64)
    /// As the protocol has it.
    case volumeFilling(SandboxID, percent: UInt8, used: VolumeAmounts, limits: VolumeAmounts)
    case volumeProgress(VolumeKey, VolumeProgress)
    /// For the log.
    case remark(String)
}

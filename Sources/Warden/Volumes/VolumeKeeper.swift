import Glibc
import Launch
import Linux
import Volumes
import WardenProtocol

/// The volumes of a warden: which driver keeps them, what may be asked for, and which sandboxes have them.
///
/// On the warden's one thread, which waits for no disk: what may is done by ``VolumeWorkers``, and the image made by
/// ``ImageWorkers``. What is done here takes well below a millisecond, but for the first use, which mounts the image.
final class VolumeKeeper {
    /// A volume that is the workspace of a sandbox.
    final class Use {
        let name: VolumeName
        /// Whether it goes with the sandbox.
        let isEphemeral: Bool
        /// What was told of how full it is.
        var mark = QuotaMark.below

        init(_ name: VolumeName, isEphemeral: Bool) {
            self.name = name
            self.isEphemeral = isEphemeral
        }
    }

    /// What it has to say unasked.
    enum Event {
        case filling(SandboxID, percent: UInt8, used: VolumeAmounts, limits: VolumeAmounts)
        /// How far the copy is that becomes this volume.
        case copying(VolumeKey, VolumeProgress)
        /// For the log.
        case remark(String)
    }

    /// The directory of the volumes in the warden's state directory.
    private static let directory = "volumes"

    let policy: VolumePolicy
    /// The warden's state directory; nil for a warden that has none.
    private let state: String?
    private let isPrivileged: Bool
    private let hasMountNamespace: Bool
    private var opened: (driver: any VolumeDriver, why: String)?
    var uses: [SandboxID: Use] = [:]
    /// Volumes and snapshots that there are.
    private var count = 0
    var troubles: [String] = []
    /// Ephemeral volumes that could not be removed yet.
    var remains: Set<VolumeName> = []
    var tell: (Event) -> Void = { _ in }
    var loop: EventLoop?
    var timer: Timer?
    var agenda = VolumeAgenda()
    /// Who does what may wait for a disk; there with the driver.
    var workers: VolumeWorkers?
    /// Who makes images; there from the beginning.
    var images: ImageWorkers?
    /// Who waits for the image to be there.
    var preparing: [(Refusal?) -> Void] = []
    /// What of the house is being done.
    var chores: Set<Chore> = []

    /// Who waits for each piece of work: a corrald that asks again, after its death, for what is being done joins.
    var waiting: [VolumeWork: [(Answer) -> Void]] = [:]
    /// Who waits for the image to be bigger.
    var growing: [() -> Void] = []

    /// What is done for all volumes together.
    enum Chore { case settling, tending, growing }

    /// - Parameters:
    ///   - state: the warden's state directory; nil for no volumes.
    ///   - isPrivileged: whether this process may mount.
    ///   - hasMountNamespace: whether the calling thread is in a mount namespace of its own.
    init(_ policy: VolumePolicy, state: String?, isPrivileged: Bool, hasMountNamespace: Bool) {
        self.policy = policy
        self.state = state
        self.isPrivileged = isPrivileged
        self.hasMountNamespace = hasMountNamespace
    }

    private var path: String { "\(state ?? "")/\(Self.directory)" }

    // MARK: The driver

    /// The driver, if it was used already.
    var driverIfOpen: (any VolumeDriver)? { opened?.driver }

    /// The driver for what is done to a volume that is there: nothing is made where there cannot be one.
    func driver(for name: VolumeName) throws(VolumeError) -> any VolumeDriver {
        if opened == nil, !hasVolumes { throw .absent(name) }
        return try driver()
    }

    /// The driver, made ready when it is used for the first time.
    func driver() throws(VolumeError) -> any VolumeDriver {
        if let opened { return opened.driver }
        let choice = try self.choice()
        switch try directory(making: true) {
        case .none: throw .noDriver("\(path) cannot be made")
        case .some(let directory):
            let driver = try choice.driver(
                in: directory, path: path, policy: ImagePolicy(upTo: policy.image))
            try driver.letMount(at: hasMountNamespace ? path : nil)
            opened = (driver, choice.why)
            guard let loop, let parts = driver.parts else { throw .noDriver("nobody can do its work") }
            driver.isGrownElsewhere = true
            workers = VolumeWorkers(parts, on: loop)
        }
        return try takeOver()
    }

    /// What a warden before this one left: no session of this one has a volume yet.
    private func takeOver() throws(VolumeError) -> any VolumeDriver {
        guard let driver = opened?.driver else { throw .noDriver("it is not open") }
        let names = try driver.list()
        count = names.count
        try driver.reclaim()
        for case .session(let tenant, let id) in names {
            remove(leftover: .session(tenant: tenant, id: id), driver)
        }
        // Removals of before may have left something.
        agenda.settle(soon: Timer.now)
        agenda.tend = Timer.now
        arm()
        return driver
    }

    private func choice() throws(VolumeError) -> DriverChoice {
        guard isPrivileged else {
            throw .noDriver("quotas are for root to set, and mounts of volumes to make")
        }
        switch try directory(making: false) {
        case .some(let directory): return try choice(directory, path)
        case .none:
            guard let state else { throw .noDriver("the warden has no state directory") }
            return try choice(try open(state), state)
        }
    }

    private func choice(
        _ directory: borrowing FileDescriptor, _ path: String
    ) throws(VolumeError) -> DriverChoice {
        try DriverChoice(VolumeFacts.read(directory, path: path), allowSoft: policy.allowSoft)
    }

    /// - Returns: nil where it is not there and not to be made.
    private func directory(making: Bool) throws(VolumeError) -> FileDescriptor? {
        guard let state else { throw .noDriver("the warden has no state directory") }
        let parent = try open(state)
        do throws(SystemError) {
            if making {
                do throws(SystemError) {
                    try parent.makeDirectory(Self.directory, mode: 0o700)
                } catch  where error.errno == .fileExists {}
            }
            return try parent.open(Self.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory where !making: return nil
            case .notDirectory, .tooManyLinks: throw .notAVolume(path)
            default: throw .system("to open \(path)", error)
            }
        }
    }

    private func open(_ path: String) throws(VolumeError) -> FileDescriptor {
        do throws(SystemError) {
            return try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system("to open \(path)", error)
        }
    }

    /// Which driver there is, or would be: nothing is made for the question.
    func driverState() throws(VolumeError) -> VolumeDriverState {
        if let opened {
            return VolumeDriverState(opened.driver.report, why: opened.why, troubles: troubles)
        }
        let choice = try self.choice()
        let place =
            switch choice {
            case .native: "the btrfs at \(path)"
            case .project: "the file system at \(path)"
            case .image: "a btrfs in the file \(path)/\(VolumeFacts.image)"
            case .directory: "directories in \(path)"
            }
        return VolumeDriverState(choice, place: place)
    }

    /// Takes up what a warden before this one left, if there is anything: not to be the reason to make any.
    func takeUp() {
        do throws(VolumeError) {
            if try isThere() { _ = try driver() }
        } catch {
            tell(.remark("volumes of a warden before this one are left as they are: \(error)"))
        }
    }

    /// Whether there may be volumes already; where nobody can tell there are.
    var hasVolumes: Bool { (try? isThere()) ?? true }

    private func isThere() throws(VolumeError) -> Bool {
        guard isPrivileged, state != nil else { return false }
        switch try directory(making: false) {
        case .none: return false
        case .some(let directory):
            let facts = try VolumeFacts.read(directory, path: path)
            guard case .image = try DriverChoice(facts, allowSoft: policy.allowSoft) else { return true }
            return facts.hasImage
        }
    }

    /// Where an image has to be made before anything can be asked for; nil where none has to be.
    func placeOfMissingImage() throws(VolumeError) -> (directory: Held<FileDescriptor>, path: String)? {
        guard opened == nil, isPrivileged, state != nil, try !isThere(), case .image = try choice(),
            let directory = try self.directory(making: true)
        else { return nil }
        return (Held(directory), path)
    }

    // MARK: What may be asked for

    /// - Throws: for more bytes than the operator allows.
    func check(_ limits: VolumeAmounts) throws(Refusal) {
        guard let bytes = limits.bytes, bytes > policy.bytes else { return }
        throw Refusal(
            .ceiling, "a volume of \(bytes) bytes is more than there may be: \(policy.bytes)",
            limit: "volume", asked: "\(bytes)", allowed: "\(policy.bytes)")
    }

    func checkCount() throws(Refusal) {
        try Ceilings.check("volumes", count, atMost: policy.count)
    }

    /// A volume of a sandbox's own: its files have the ids that the processes have inside.
    func request(_ order: VolumeOrder, bytes: UInt64?) -> VolumeRequest {
        VolumeRequest(
            limits: VolumeLimits(bytes: order.limits.bytes ?? bytes, inodes: order.limits.inodes),
            owner: Identity.insideID, group: Identity.insideID, mode: 0o755, allowSoft: order.allowSoft)
    }

    /// Makes one.
    func make(_ order: VolumeOrder) throws(Refusal) -> Volume {
        try check(order.limits)
        let driver = try refusing { () throws(VolumeError) in try self.driver() }
        try checkCount()
        let volume = try refusing { () throws(VolumeError) in
            try driver.create(VolumeName(order.key), request(order, bytes: policy.bytes))
        }
        count += 1
        grow(driver)
        return volume
    }

    func counted(_ change: Int) { count = max(0, count + change) }

    func recount() {
        if let names = try? driverIfOpen?.list() { count = names.count }
    }

    /// One that nobody has any more.
    func remove(leftover name: VolumeName, _ driver: any VolumeDriver) {
        if workers?.isBusy(name) == true {
            remains.insert(name)
            _ = try? workers?.add(
                VolumeJob([.volume(name)], nil) { [weak self] _ in self?.remove(leftover: name, driver) })
            return
        }
        do throws(VolumeError) {
            try driver.remove(name)
            count = max(0, count - 1)
            remains.remove(name)
            agenda.settle(soon: Timer.now)
            arm()
        } catch .absent {
            remains.remove(name)
        } catch {
            if remains.insert(name).inserted { tell(.remark("\(name) cannot be removed: \(error)")) }
        }
    }
}

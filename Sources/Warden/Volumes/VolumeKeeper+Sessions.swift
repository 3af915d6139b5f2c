import Launch
import Linux
import Volumes
import WardenProtocol

// Volumes that are workspaces of sandboxes, and what has to be looked at from time to time.

extension VolumeKeeper {
    /// The volume of an order, made where it is the session's own.
    func take(_ order: VolumeOrder, for id: SandboxID) throws(Refusal) -> WorkspaceDirectory {
        let name = VolumeName(order.key)
        let isEphemeral = order.key.kind == .session
        if workers?.keepsUsersOut(of: name) == true {
            throw Refusal(.volumeInUse, "\(name) is being copied or put back")
        }
        let volume =
            if isEphemeral {
                try make(order)
            } else {
                try refusing { () throws(VolumeError) in try driver(for: name).open(name) }
            }
        uses[id] = Use(name, isEphemeral: isEphemeral)
        agenda.poll = Timer.now
        arm()
        do throws(WorkspaceError) {
            return try WorkspaceDirectory.of(volume.takeDirectory(), path: "the volume \(name)")
        } catch {
            release(id)
            throw Refusal(.system, error.description)
        }
    }

    /// The sandbox is gone, or never was.
    func release(_ id: SandboxID) {
        guard let use = uses.removeValue(forKey: id), use.isEphemeral, let driver = driverIfOpen else {
            return
        }
        remove(leftover: use.name, driver)
    }

    func limits(of id: SandboxID) -> VolumeAmounts? {
        guard let use = uses[id], let driver = driverIfOpen else { return nil }
        return (try? driver.limits(of: use.name)).map(VolumeAmounts.init)
    }

    /// Nil for a sandbox without a volume.
    func usage(of id: SandboxID) -> VolumeAmounts? {
        guard let use = uses[id], let driver = driverIfOpen else { return nil }
        return (try? driver.usage(of: use.name)).map(VolumeAmounts.init)
    }

    // MARK: Time

    func begin(on loop: EventLoop) {
        self.loop = loop
        images = ImageWorkers(on: loop)
        takeUp()
    }

    func settleSoon() {
        agenda.settle(soon: Timer.now)
        arm()
    }

    /// The timer is made when there is something to wait for: most daemons never have a volume.
    func arm() {
        guard let next = agenda.next, let loop else { return }
        do throws(SystemError) {
            if timer == nil { timer = try Timer.make(on: loop) { [weak self] in self?.timePassed() } }
            timer?.fire(atLatest: next)
        } catch {
            tell(.remark("volumes are not looked after: \(error)"))
        }
    }

    private func timePassed() {
        let now = Timer.now
        if let driver = driverIfOpen {
            if agenda.isDue(agenda.settle, now) { settle(driver) }
            if agenda.isDue(agenda.poll, now) { poll(driver, now) }
            if agenda.isDue(agenda.tend, now) { tend(driver, now) }
        }
        arm()
    }

    private func settle(_ driver: any VolumeDriver) {
        agenda.beginSettling()
        let asked = Array(driver.unsettled.prefix(VolumeWork.mostNumbers))
        let isAll = asked.count == driver.unsettled.count
        keepHouse(.settling, .settle(asked)) { [weak self] report in
            guard let self else { return }
            // What cannot be settled now is by a later try, or by the next warden.
            var isDone = false
            if case .settled(let left, let numbers) = report {
                driver.settled(asked, left: numbers)
                isDone = left == 0 && isAll
            }
            agenda.settled(isDone: isDone, Timer.now)
        }
    }

    /// Has something done for all volumes together, once at a time.
    private func keepHouse(
        _ chore: Chore, _ work: VolumeWork, done: @escaping (VolumeReport) -> Void
    ) {
        guard let workers, chores.insert(chore).inserted else { return }
        let job = VolumeJob([chore == .growing ? .room : .house], work) { [weak self] report in
            self?.chores.remove(chore)
            done(report)
            self?.arm()
        }
        do throws(Refusal) {
            try workers.add(job)
        } catch {
            chores.remove(chore)
            note("volumes are not looked after: \(error)")
        }
    }

    /// Has the image grow where it should. What is free already has to do until then.
    func grow(_ driver: any VolumeDriver, then done: (() -> Void)? = nil) {
        guard driver.isShortOfRoom else {
            done?()
            return
        }
        if let done { growing.append(done) }
        if chores.contains(.growing) { return }
        keepHouse(.growing, .makeRoom) { [weak self] report in
            // Where it cannot, whoever makes a volume gets the reason.
            driver.isGrownElsewhere = report == .done
            guard let self else { return }
            if case .refused(let why) = report { note("the image cannot grow: \(why)") }
            let waiting = growing
            growing = []
            for body in waiting { body() }
        }
    }

    /// While sandboxes write: room for them, and how full their volumes are.
    private func poll(_ driver: any VolumeDriver, _ now: UInt64) {
        agenda.poll = uses.isEmpty ? nil : now + VolumeAgenda.pollInterval
        if uses.isEmpty { return }
        if driver.isShortOfRoom {
            grow(driver)
        } else {
            do throws(VolumeError) {
                try driver.makeRoom()
            } catch {
                note(VolumeTrouble.cannotGrow(error).text)
            }
        }
        for (id, use) in uses {
            guard let limits = try? driver.limits(of: use.name), let usage = try? driver.usage(of: use.name)
            else { continue }
            let mark = QuotaMark(usage, of: limits)
            if let told = mark.event(after: use.mark) {
                tell(
                    .filling(
                        id, percent: UInt8(clamping: told.rawValue), used: VolumeAmounts(usage),
                        limits: VolumeAmounts(limits)))
            }
            use.mark = mark
        }
    }

    private func tend(_ driver: any VolumeDriver, _ now: UInt64) {
        agenda.tend = now + VolumeAgenda.tendInterval
        for name in remains { remove(leftover: name, driver) }
        keepHouse(.tending, .tend) { [weak self] report in
            switch report {
            case .troubles(let found):
                for text in found { self?.note(text) }
                self?.troubles = found
            case .refused(let why): self?.note("the volumes cannot be looked at: \(why)")
            case .progress, .done, .settled: break
            }
        }
    }

    /// Each is said once, as long as it lasts.
    private func note(_ trouble: String) {
        guard !troubles.contains(trouble) else { return }
        troubles.append(trouble)
        tell(.remark(trouble))
    }
}

/// When volumes have to be looked at; on CLOCK_BOOTTIME, in nanoseconds, nil for never.
struct VolumeAgenda: Hashable {
    static let pollInterval: UInt64 = 1_000_000_000
    static let tendInterval: UInt64 = 30_000_000_000
    private static let firstPause: UInt64 = 10_000_000

    var poll: UInt64?
    var tend: UInt64?
    private(set) var settle: UInt64?
    private var pause = firstPause
    /// Whether somebody is at it, and whether something was removed meanwhile.
    private var isSettling = false
    private var hasMore = false

    var next: UInt64? { [poll, tend, settle].compactMap { $0 }.min() }

    func isDue(_ time: UInt64?, _ now: UInt64) -> Bool { time.map { $0 <= now } ?? false }

    /// Something was removed.
    mutating func settle(soon now: UInt64) {
        pause = Self.firstPause
        if isSettling {
            hasMore = true
        } else {
            settle = min(settle ?? .max, now + pause)
        }
    }

    mutating func beginSettling() {
        isSettling = true
        settle = nil
    }

    /// Whoever still has a removed volume open may keep it for long: asked for less and less often.
    mutating func settled(isDone: Bool, _ now: UInt64) {
        isSettling = false
        settle = isDone && !hasMore ? nil : now + pause
        if !hasMore { pause = min(pause * 2, Self.tendInterval) }
        hasMore = false
    }
}

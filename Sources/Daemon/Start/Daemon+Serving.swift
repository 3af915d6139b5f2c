import CLinux
import Configuration
import Glibc
import Linux
import Network
import Quotas
import Service
import ServiceManager
import Sessions

// The service's beginning and end, and what signals ask for.

extension Daemon {
    /// Serves from when the records and the warden agree, so that nobody sees what is not so.
    /// - Parameter network: listens at the TCP socket; nil where there is none.
    func beginServing(_ listener: Held<FileDescriptor?>, network: Held<FileDescriptor?>) {
        guard let socket = listener.value.take() else { return }
        var limits = ServiceLimits()
        limits.connections = Int(clamping: settings.number(.httpConnections))
        limits.connectionsPerUser = limits.connections
        limits.memory = Int(clamping: settings.number(.httpHeaders))
        limits.head = settings.number(.httpIdle) * 1_000_000
        do throws(SystemError) {
            // The other one is there when this one is told of.
            if let socket = network.value.take() {
                let address = TCPAddress(ofSocket: socket.number)
                var own = limits
                // Nobody takes all connections from one address.
                own.connectionsPerUser = max(1, limits.connections / 2)
                // Nor may those who have shown no token hold what others need, or hold anything for long.
                own.strangersPerUser = max(1, limits.connections / 4)
                own.strangersHead = Self.strangersHead
                networkService = try begin(socket, own)
                log.line(
                    .info, "listening at \(address.map { "\($0)" } ?? "a TCP socket") for clients with tokens"
                )
                if let address, !address.isLoopback {
                    log.line(.warning, "what goes through \(address), tokens among it, is not encrypted")
                }
            }
            service = try begin(socket, limits)
            log.line(.info, "serving \(settings.text(.socketPath))")
            try tellReady()
        } catch {
            log.line(.error, "the API cannot be served: \(error)")
            exitCode = 1
            isOver = true
        }
    }

    /// Nanoseconds for a client of the TCP socket to show a token, for the first time on a connection.
    private static let strangersHead: BootTime = 10_000_000_000

    private func begin(
        _ listener: consuming FileDescriptor, _ limits: ServiceLimits
    ) throws(SystemError) -> HTTPService {
        try HTTPService.start(
            RouteTable.routes(mostBody: Int(clamping: settings.number(.httpBody))), for: self, on: loop,
            listening: listener, limits: limits
        ) { [weak self] (head) throws(ServiceError) in
            guard let self else { throw ServiceError(.unavailable, "the service has ended") }
            return try admit(head)
        }
    }

    /// Ends this process in order; sessions go on, and the next one finds them.
    func end(_ why: String) {
        log.line(.info, "ending: \(why); sessions go on")
        manager?.tell(.stopping(status: "ending: \(why); sessions go on"))
        guard let service else {
            isOver = true
            return
        }
        var left = networkService == nil ? 1 : 2
        for service in [service, networkService] {
            service?.stop(within: 5_000_000_000) { [weak self] in
                left -= 1
                if left == 0 { self?.isOver = true }
            }
        }
    }

    /// Reads the settings again: what can change holds from now on.
    func reload(_ options: DaemonOptions) {
        // Whose directories count was decided at the start: root's corrald is not root any more.
        let loaded = DaemonStart.read(options, settings.place)
        var told = Reload(number: (lastReload?.number ?? 0) + 1, at: DaemonClock.wall)
        let (newPlans, problems) = readPlans(loaded.settings)
        if loaded.errors.isEmpty, problems.isEmpty {
            told.changes = settings.changes(to: loaded.settings).map(\.sentence)
            told.changes += take(newPlans)
            for change in told.changes { log.line(.info, change) }
            settings = settings.reloaded(with: loaded.settings)
            tenantUIDs = settings.tenantUIDs
            ledger.setNodeLimits(QuotaLimits(ofNode: settings))
            table.setLimit(Int(clamping: settings.number(.limitSessions)))
            log = DaemonLog(format: settings.text(.logFormat), least: settings.text(.logLevel))
        } else {
            told.problems = loaded.errors.map(\.description) + problems
            for problem in told.problems { log.line(.error, "the settings stay as they are: \(problem)") }
        }
        lastReload = told
    }

    /// What came of reading the settings again; `info` tells it to whoever asked for it by a signal.
    struct Reload {
        /// 1 for the first.
        let number: UInt64
        /// Milliseconds since 1970.
        let at: Int64
        var changes: [String] = []
        /// Then nothing has changed.
        var problems: [String] = []
    }
}

/// SIGTERM and SIGINT end the daemon, SIGHUP has it read its settings again, SIGPIPE does nothing.
final class SignalEvents: EventHandler {
    private weak var daemon: Daemon?
    private let options: DaemonOptions
    private let descriptor: FileDescriptor

    init(_ daemon: Daemon, _ options: DaemonOptions) throws(SystemError) {
        self.daemon = daemon
        self.options = options
        let numbers = [SIGTERM, SIGINT, SIGHUP, SIGPIPE]
        descriptor = FileDescriptor(
            owning: try call("signalfd") { unsafe clinux_signalfd(numbers, numbers.count) })
        _ = try daemon.loop.add(descriptor, for: .readable, handler: self)
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        while true {
            let number = clinux_signalfd_read(descriptor.number)
            guard number > 0 else { return }
            switch number {
            case SIGTERM, SIGINT: daemon?.end("signal \(number)")
            case SIGHUP: daemon?.reloadAsService(options)
            default: break
            }
        }
    }
}

import CLinux
import Configuration
import Glibc
import Linux
import Service

// The service's beginning and end, and what signals ask for.

extension Daemon {
    /// A warden may still serve a corrald that was killed. One that nobody reaches any more has died since it
    /// was started: there is nothing to wait for where another one takes privileges that are given up.
    func connectPatiently() throws(StartProblemText) {
        let deadline = DaemonClock.now + 30_000_000_000
        while true {
            do throws(StartProblemText) {
                return try connect()
            } catch {
                guard error.exitCode != Daemon.startedAgain, place.startWarden == nil,
                    DaemonClock.now < deadline,
                    !error.description.contains("version")
                else { throw error }
                ShortWait.milliseconds(10)
            }
        }
    }

    /// Serves from when the records and the warden agree, so that nobody sees what is not so.
    func beginServing(_ listener: Held<FileDescriptor?>) {
        guard let socket = listener.value.take() else { return }
        var limits = ServiceLimits()
        limits.connections = Int(clamping: settings.number(.httpConnections))
        limits.connectionsPerUser = limits.connections
        limits.memory = Int(clamping: settings.number(.httpHeaders))
        limits.head = settings.number(.httpIdle) * 1_000_000
        do throws(SystemError) {
            service = try HTTPService.start(
                RouteTable.routes, for: self, on: loop, listening: socket, limits: limits)
            log.line(.info, "serving \(settings.text(.socketPath))")
        } catch {
            log.line(.error, "the API cannot be served: \(error)")
            exitCode = 1
            isOver = true
        }
    }

    /// Ends this process in order; sessions go on, and the next one finds them.
    func end(_ why: String) {
        log.line(.info, "ending: \(why); sessions go on")
        guard let service else {
            isOver = true
            return
        }
        service.stop(within: 5_000_000_000) { [weak self] in self?.isOver = true }
    }

    /// Reads the settings again: what can change holds from now on.
    func reload(_ options: DaemonOptions) {
        do throws(StartProblemText) {
            let other = try DaemonStart.load(options).settings
            for change in settings.changes(to: other) { log.line(.info, change.sentence) }
            settings = settings.reloaded(with: other)
            log = DaemonLog(format: settings.text(.logFormat), least: settings.text(.logLevel))
        } catch {
            log.line(.error, "the settings stay as they are: \(error)")
        }
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
            case SIGHUP: daemon?.reload(options)
            default: break
            }
        }
    }
}

import Configuration
import Glibc
import Linux
import ServiceManager
import Sessions

// What the service manager that started corrald hears of it (sd_notify(3)); nothing where there is none.

extension Daemon {
    /// It answers from now on. Its signs of life come from the loop that answers requests.
    func tellReady() throws(SystemError) {
        guard let manager else { return }
        manager.tell(.ready(pid: getpid(), status: statusLine))
        try manager.keepWatch(on: loop) { [weak self] in self?.statusLine ?? "ending" }
    }

    /// Reads the settings again, and says when it begins and when it is over.
    func reloadAsService(_ options: DaemonOptions) {
        manager?.tell(.reloading(at: ManagerLink.monotonic))
        reload(options)
        let problem = lastReload?.problems.first
        let status = problem.map { "the settings stay as they are: \($0)" } ?? statusLine
        manager?.tell(.ready(pid: getpid(), status: status))
    }

    /// As `systemctl status` shows it.
    private var statusLine: String {
        let warden = link == nil ? "; the warden is lost" : ""
        return "\(table.liveCount) of \(settings.number(.limitSessions)) sessions\(warden)"
    }
}

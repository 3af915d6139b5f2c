import Dialects
import Linux
import Relay
import Sandbox
import Wire

/// The relay of one run: from the host application's socket to the plugin's.
final class RunRelay {
    /// Where the plugin of the dialect `tgo` finds its host.
    static let socketPath = "/var/run/tgo/tgo.sock"

    private var upstream: Upstream?
    private var first: FileDescriptor?
    private var thread: RelayThread?
    private var notices = RelayNotices()

    /// Connects to the host application before anything is started: without it there is no use in
    /// a plugin. The connection becomes the plugin's first, because simple hosts accept only once.
    static func connect(_ relay: RunOptions.Relay) throws(CommandError) -> RunRelay {
        do throws(UpstreamError) {
            let upstream = try Upstream.open(path: relay.upstream)
            let first = try upstream.connect(patience: .seconds(1))
            return RunRelay(upstream, first)
        } catch {
            throw CommandError("--relay \(relay.dialect)=\(error)")
        }
    }

    private init(_ upstream: consuming Upstream, _ first: consuming FileDescriptor) {
        self.upstream = consume upstream
        self.first = consume first
    }

    /// Starts relaying; the plugin may connect from now on.
    /// - Returns: what is wrong, or nil.
    func start(_ listener: consuming FileDescriptor?, policy: RelayPolicy, peer: UInt32) -> String? {
        guard let listener, let upstream = upstream.take(), let first = first.take() else {
            return "the sandbox made no socket"
        }
        do throws(SystemError) {
            thread = try RelayThread.start(
                listener: listener, upstream: upstream, first: first, policy: policy, peer: peer)
            return nil
        } catch {
            return error.description
        }
    }

    /// A descriptor that can be read from while there is something to ``tell()``; nil before the start.
    var news: CInt? { thread?.news.number }

    /// Says what is new on standard error, without waiting for it.
    /// - Returns: whether the sandbox is to be ended.
    func tell() -> Bool {
        guard let news = thread?.news else { return false }
        notices.add(news.take())
        notices.write()
        return news.violation != nil
    }

    /// Delivers what is on its way and ends the relay.
    func finish() -> RelayTotals? {
        let totals = thread?.stop()
        _ = tell()
        notices.finish()
        return totals
    }
}

/// The relay's part of a report.
enum RelayReport {
    static func write(_ totals: RelayTotals, to object: inout JSONObjectWriter) {
        object.object("from_plugin") { traffic(totals.fromPlugin, &$0) }
        object.object("from_upstream") { traffic(totals.fromUpstream, &$0) }
        object.add("connections", Int(clamping: totals.connections))
        object.add("descriptors_closed", Int(clamping: totals.descriptorsClosed))
        object.array("refusals") { list in
            for refused in totals.refusals.list {
                list.object { entry in
                    entry.add("rule", refused.rule.rawValue)
                    entry.add("count", Int(clamping: refused.count))
                    entry.add("first", refused.first)
                }
            }
        }
        if let violation = totals.violation {
            object.object("violation") { entry in
                entry.add("rule", violation.rule.rawValue)
                entry.add("reason", violation.reason)
            }
        }
        if let failure = totals.failure { object.add("failure", failure) }
    }

    private static func traffic(_ traffic: RelayTotals.Traffic, _ object: inout JSONObjectWriter) {
        object.add("frames", Int(clamping: traffic.frames))
        object.add("bytes", Int(clamping: traffic.bytes))
    }
}

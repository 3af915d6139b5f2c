import Client
import Glibc
import Linux
import Wire

/// `corral daemon metrics`: what a monitoring system is told, for a look at it.
enum DaemonMetricsCommand {
    static let command = Command(
        "daemon metrics", summary: "Print what monitoring systems read of the daemon.",
        options: [.init("openmetrics", help: "in OpenMetrics 1.0, not in Prometheus' text format")]
            + ConfigCommand.options,
        examples: ["corral daemon metrics", "corral daemon metrics --openmetrics --state /srv/corral"],
        details: """
            What GET /metrics of the daemon's socket answers. Root, and whoever runs a daemon of their own, get
            everything; others what their own tenant has.

            Exit code: 0 printed, 1 the daemon does not answer.
            """
    ) { arguments in
        Failure.reported("daemon metrics") { () throws(CommandError) in
            let client = try DaemonAccess.client(arguments)
            let exposition =
                arguments.has("openmetrics")
                ? "application/openmetrics-text; version=1.0.0" : "text/plain; version=0.0.4"
            let body = try CommandError.asking { () throws(ClientError) in
                try client.ask(HTTPRequest(.get, ["v1", "metrics"]).with("Accept", exposition)).body
            }
            // As it came, which is lines: what is in labels was escaped by the daemon.
            Terminal.print(String(decoding: body.last == 0x0A ? body.dropLast() : body[...], as: UTF8.self))
        }
    }
}
